using Parry.Models.Architectures;

namespace Parry.Generative.Gans;

/// <summary>
/// The generative adversarial network of fully connected layers (Goodfellow et al., 2014, 1406.2661), as Keras-GAN
/// builds it: for 28x28 images and width 64 the generator holds 1,493,520 numbers (1,489,936 trainable), the
/// discriminator 533,505.
/// </summary>
/// <remarks>
/// Deviation: the discriminator ends in a logit. The sigmoid is part of the loss, where it loses no precision.
/// </remarks>
public static class Gan
{
    /// <summary>Latent vectors [N, latent] to images in [0, 1].</summary>
    public static LayerPlan Generator(ImageShape shape, int width, int latent) =>
        LayerPlan
            .Vectors(latent)
            .Linear(4 * width)
            .LeakyRelu()
            .BatchNorm()
            .Linear(8 * width)
            .LeakyRelu()
            .BatchNorm()
            .Linear(16 * width)
            .LeakyRelu()
            .BatchNorm()
            .Linear(shape.Pixels)
            .TanhToUnit()
            .Reshape(shape.Channels, shape.Height, shape.Width);

    /// <summary>Images in [0, 1] to one logit each, [N, 1].</summary>
    public static LayerPlan Discriminator(ImageShape shape, int width) =>
        LayerPlan.Images(shape).FromUnit().Linear(8 * width).LeakyRelu().Linear(4 * width).LeakyRelu().Linear(1);
}
