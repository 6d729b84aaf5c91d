using Parry.Models.Architectures;

namespace Parry.Generative.Gans;

/// <summary>
/// The convolutional GAN (Radford, Metz, Chintala, 2015, 1511.06434), as Keras-GAN builds it: for 28x28 images and
/// width 64 the generator holds 856,193 numbers (855,809 trainable), the discriminator 393,729 (392,833).
/// </summary>
/// <remarks>
/// Deviations from the paper are those of Keras-GAN: upsampling and convolutions in place of transposed convolutions,
/// dropout in the discriminator, Glorot's initial weights. The discriminator ends in a logit; its sigmoid is part of
/// the loss.
/// </remarks>
public static class Dcgan
{
    private const double Drop = 0.25;

    /// <summary>Latent vectors [N, latent] to images in [0, 1].</summary>
    /// <exception cref="UserErrorException">The images' sides are not multiples of 4.</exception>
    public static LayerPlan Generator(ImageShape shape, int width, int latent) =>
        Generator(shape, width, latent, kernel: 3);

    /// <summary>Images in [0, 1] to one logit each, [N, 1].</summary>
    public static LayerPlan Discriminator(ImageShape shape, int width) => Critic(shape, Math.Max(1, width / 2));

    internal static LayerPlan Generator(ImageShape shape, int width, int latent, int kernel)
    {
        if (shape.Height % 4 + shape.Width % 4 > 0)
            throw new UserErrorException(
                "this generator doubles its maps twice and draws images with sides that are multiples of 4, not "
                    + $"{shape}: choose --kind gan"
            );
        int height = shape.Height / 4;
        int width0 = shape.Width / 4;
        return LayerPlan
            .Vectors(latent)
            .Linear(2 * width * height * width0)
            .Relu()
            .Reshape(2 * width, height, width0)
            .Upsample()
            .Convolution(2 * width, kernel)
            .BatchNorm()
            .Relu()
            .Upsample()
            .Convolution(width, kernel)
            .BatchNorm()
            .Relu()
            .Convolution(shape.Channels, kernel)
            .TanhToUnit();
    }

    internal static LayerPlan Critic(ImageShape shape, int first) =>
        LayerPlan
            .Images(shape)
            .FromUnit()
            .Convolution(first, 3, stride: 2)
            .LeakyRelu()
            .Dropout(Drop)
            .Convolution(2 * first, 3, stride: 2)
            .PadToEven()
            .BatchNorm()
            .LeakyRelu()
            .Dropout(Drop)
            .Convolution(4 * first, 3, stride: 2)
            .BatchNorm()
            .LeakyRelu()
            .Dropout(Drop)
            .Convolution(8 * first, 3)
            .BatchNorm()
            .LeakyRelu()
            .Dropout(Drop)
            .Linear(1);
}
