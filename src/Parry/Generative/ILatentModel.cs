using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative;

/// <summary>
/// A model that draws images from latent vectors and can be differentiated, such as a GAN's generator or a variational
/// auto-encoder's decoder. Its prior is the standard normal distribution. A projection searches among its images.
/// </summary>
public interface ILatentModel
{
    /// <summary>The shape of the images it draws.</summary>
    ImageShape Shape { get; }

    /// <summary>The length of a latent vector.</summary>
    int Latent { get; }

    /// <summary>Draws images and keeps what their gradient needs. Weights get no gradient.</summary>
    /// <param name="latents">[N, latent], float32.</param>
    /// <param name="compute">Float32, or bfloat16 where the model has a faster path in it.</param>
    Drawing Draw(Tensor latents, ScalarType compute = ScalarType.Float32);

    /// <summary>Draws images [N, C, H, W] in [0, 1], float32, of which no gradient is needed.</summary>
    /// <param name="latents">[N, latent], float32.</param>
    /// <param name="compute">Float32, or bfloat16 where the model has a faster path in it.</param>
    Tensor Generate(Tensor latents, ScalarType compute = ScalarType.Float32) => Draw(latents, compute).Images;
}

/// <summary>Images that a model drew, and how to differentiate them.</summary>
/// <param name="Images">[N, C, H, W] in [0, 1], float32, not followed by autograd.</param>
/// <param name="LatentGradient">From the gradient with respect to the images to the gradient with respect to the latent
/// vectors, [N, latent]. It can be called once.</param>
public sealed record Drawing(Tensor Images, Func<Tensor, Tensor> LatentGradient)
{
    /// <summary>Draws images with operators that autograd follows.</summary>
    /// <param name="latents">[N, latent].</param>
    /// <param name="draw">From latent vectors to images in [0, 1].</param>
    internal static Drawing Of(Tensor latents, Func<Tensor, Tensor> draw)
    {
        using var follow = enable_grad();
        Tensor input = latents.detach().requires_grad_();
        Tensor images = draw(input);
        return new Drawing(images.detach(), gradient => Autograd.Grad(images, input, gradient));
    }
}
