namespace Parry.Generative.Gans;

/// <summary>
/// The spectrally normalized GAN with the hinge loss (Miyato et al., 2018, 1802.05957) in the shape of Defense-GAN's
/// networks, as InvGAN trains it on MNIST: batch normalization in the generator, spectral normalization of every layer
/// of the discriminator.
/// </summary>
public static class HingeGan
{
    /// <summary>Latent vectors [N, latent] to images in [0, 1].</summary>
    public static LayerPlan Generator(ImageShape shape, int width, int latent)
    {
        ImageShape[] maps = ImageGenerator.MapsOf(shape, width);
        return LayerPlan
            .Vectors(latent)
            .Linear(maps[0].Pixels)
            .Reshape(maps[0].Channels, maps[0].Height, maps[0].Width)
            .BatchNorm()
            .Relu()
            .TransposedConvolution(maps[1])
            .BatchNorm()
            .Relu()
            .TransposedConvolution(maps[2])
            .BatchNorm()
            .Relu()
            .TransposedConvolution(maps[3])
            .Sigmoid();
    }

    /// <summary>Images in [0, 1] to one number each, [N, 1].</summary>
    public static LayerPlan Discriminator(ImageShape shape, int width) =>
        LayerPlan
            .Images(shape)
            .SpectralConvolution(width)
            .LeakyRelu()
            .SpectralConvolution(2 * width)
            .LeakyRelu()
            .SpectralConvolution(4 * width)
            .LeakyRelu()
            .Linear(1, spectral: true);
}
