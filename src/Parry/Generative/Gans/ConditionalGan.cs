using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// The conditional GAN (Mirza and Osindero, 2014, 1411.1784) in its small convolutional form: DCGAN's networks, where
/// the latent vector is followed by the class as a one-hot vector, and the image by one constant map per class, 1 for
/// its class and 0 for the others.
/// </summary>
public static class ConditionalGan
{
    /// <summary>Latent vectors and one-hot classes [N, latent + classes] to images in [0, 1].</summary>
    /// <exception cref="UserErrorException">The images' sides are not multiples of 4.</exception>
    public static LayerPlan Generator(ImageShape shape, int width, int latent, int classes) =>
        Dcgan.Generator(shape, width, latent + classes);

    /// <summary>Images and class maps [N, C + classes, H, W] to one logit each, [N, 1].</summary>
    public static LayerPlan Discriminator(ImageShape shape, int width, int classes) =>
        Dcgan.Discriminator(shape with { Channels = shape.Channels + classes }, width);

    /// <summary>The generator's input.</summary>
    /// <param name="latents">[N, latent].</param>
    /// <param name="labels">int64 [N].</param>
    /// <param name="classes">The number of classes.</param>
    public static Tensor Latents(Tensor latents, Tensor labels, int classes) =>
        cat([latents, nn.functional.one_hot(labels, classes).to(ScalarType.Float32)], 1);

    /// <summary>The discriminator's input.</summary>
    /// <param name="images">[N, C, H, W].</param>
    /// <param name="labels">int64 [N].</param>
    /// <param name="classes">The number of classes.</param>
    public static Tensor Images(Tensor images, Tensor labels, int classes)
    {
        Tensor maps = nn
            .functional.one_hot(labels, classes)
            .to(ScalarType.Float32)
            .reshape(images.size(0), classes, 1, 1)
            .expand(images.size(0), classes, images.size(2), images.size(3));
        return cat([images, maps], 1);
    }
}
