using static TorchSharp.torch;

namespace Parry.Generative;

/// <summary>
/// A model that draws images from latent vectors, whose prior is the standard normal distribution, and can be
/// differentiated: a GAN's generator, or a variational auto-encoder's decoder. A projection searches among the images
/// that it draws.
/// </summary>
public interface ILatentModel
{
    /// <summary>The shape of the images it draws.</summary>
    ImageShape Shape { get; }

    /// <summary>Length of the latent vector.</summary>
    int Latent { get; }

    /// <summary>Draws images and remembers what the gradient needs. Weights get no gradient.</summary>
    /// <param name="latents">[N, latent], float32.</param>
    /// <param name="compute">Float32, or bfloat16 where the model has a faster path in it.</param>
    Drawing Draw(Tensor latents, ScalarType compute = ScalarType.Float32);
}

/// <summary>Images that a model drew, with what their gradient needs.</summary>
/// <param name="Images">[N, C, H, W] in [0, 1], float32, not followed by autograd.</param>
/// <param name="LatentGradient">From the gradient with respect to the images to that with respect to the latent
/// vectors, [N, latent]. To be called once.</param>
public sealed record Drawing(Tensor Images, Func<Tensor, Tensor> LatentGradient);
