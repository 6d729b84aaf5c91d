using Parry.Models.Architectures;

namespace Parry.Generative.Gans;

/// <summary>
/// The Wasserstein GAN with clipped weights (Arjovsky, Chintala, Bottou, 2017, 1701.07875), as Keras-GAN builds it:
/// DCGAN's networks with 4x4 kernels in the generator and half the channels in the critic. For 28x28 images and width
/// 64 the generator holds 1,028,673 numbers (1,028,289 trainable), the critic 100,097 (99,649).
/// </summary>
public static class Wgan
{
    /// <summary>Latent vectors [N, latent] to images in [0, 1].</summary>
    /// <exception cref="UserErrorException">The images' sides are not multiples of 4.</exception>
    public static LayerPlan Generator(ImageShape shape, int width, int latent) =>
        Dcgan.Generator(shape, width, latent, kernel: 4);

    /// <summary>Images in [0, 1] to one number each, [N, 1].</summary>
    public static LayerPlan Critic(ImageShape shape, int width) => Dcgan.Critic(shape, Math.Max(1, width / 4));
}
