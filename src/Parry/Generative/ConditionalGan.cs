using Parry.Torch;

namespace Parry.Generative;

/// <summary>
/// The conditional GAN (Mirza and Osindero, 2014, 1411.1784) in its small convolutional form: DCGAN's networks, where the class stands behind the latent
/// vector as a one-hot vector, and behind the image as one constant map per class, 1 in the map of its class and 0 in the others.
/// </summary>
public static class ConditionalGan
{
    /// <summary>Latent vectors and one-hot classes [N, latent + classes] to images in [0, 1].</summary>
    /// <exception cref="UserErrorException">The images' sides are no multiples of 4.</exception>
    public static LayerPlan Generator(ImageShape shape, int width, int latent, int classes) => Dcgan.Generator(shape, width, latent + classes);

    /// <summary>Images and class maps [N, C + classes, H, W] to one logit each, [N, 1].</summary>
    public static LayerPlan Discriminator(ImageShape shape, int width, int classes) => Dcgan.Discriminator(shape with { Channels = shape.Channels + classes }, width);

    /// <summary>The generator's input.</summary>
    /// <param name="latents">[N, latent].</param>
    /// <param name="labels">int64 [N].</param>
    /// <param name="classes">How many classes there are.</param>
    public static Tensor Latents(Tensor latents, Tensor labels, int classes) => Tensor.Cat([latents, labels.OneHot(classes).To(DType.Float32)], 1);

    /// <summary>The discriminator's input.</summary>
    /// <param name="images">[N, C, H, W].</param>
    /// <param name="labels">int64 [N].</param>
    /// <param name="classes">How many classes there are.</param>
    public static Tensor Images(Tensor images, Tensor labels, int classes)
    {
        Tensor maps = labels.OneHot(classes).To(DType.Float32).Reshape(images.Size(0), classes, 1, 1).Expand(images.Size(0), classes, images.Size(2), images.Size(3));
        return Tensor.Cat([images, maps], 1);
    }
}
