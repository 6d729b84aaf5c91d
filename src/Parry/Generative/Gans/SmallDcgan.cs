using Parry.Models.Architectures;

namespace Parry.Generative.Gans;

/// <summary>
/// The small convolutional generator behind Defense-GAN in Yang, Rho, Yang, "AdvGAN vs. Defensive Purification": four
/// units of a convolution, batch normalization and ReLU with 8, 16, 32 and 64 channels, and a convolution to the image,
/// with 4x4 kernels. For 28x28 images, width 64 and a latent vector of 50 it holds 51,153 numbers (50,913 trainable).
/// </summary>
/// <remarks>
/// The report names no strides: here the first unit makes maps of 4x4, which transposed convolutions double to 7x7,
/// 14x14 and 28x28, and the last convolution keeps the size. The discriminator is that of <see cref="Dcgan"/>.
/// </remarks>
public static class SmallDcgan
{
    private const int Kernel = 4;

    /// <summary>Latent vectors [N, latent] to images in [0, 1].</summary>
    public static LayerPlan Generator(ImageShape shape, int width, int latent)
    {
        ImageShape[] maps =
        [
            .. ImageGenerator
                .MapsOf(shape, width)
                .Select((map, i) => map with { Channels = Math.Max(1, width >> (3 - i)) }),
        ];
        LayerPlan plan = LayerPlan
            .Vectors(latent)
            .Linear(maps[0].Pixels)
            .Reshape(maps[0].Channels, maps[0].Height, maps[0].Width)
            .BatchNorm()
            .Relu();
        foreach (ImageShape map in maps.Skip(1))
            plan = plan.TransposedConvolution(map, Kernel).BatchNorm().Relu();
        return plan.Convolution(shape.Channels, Kernel).TanhToUnit();
    }
}
