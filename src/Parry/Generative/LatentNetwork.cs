using static TorchSharp.torch;

namespace Parry.Generative;

/// <summary>A network that draws images, as a model that projections search among.</summary>
/// <param name="network">From latent vectors [N, latent] to images in [0, 1], in evaluation mode; disposing frees
/// it.</param>
/// <param name="shape">The shape of the images.</param>
/// <param name="latent">The length of a latent vector.</param>
public sealed class LatentNetwork(nn.Module<Tensor, Tensor> network, ImageShape shape, int latent)
    : ILatentModel,
        IDisposable
{
    /// <inheritdoc/>
    public ImageShape Shape => shape;

    /// <inheritdoc/>
    public int Latent => latent;

    /// <inheritdoc/>
    public Drawing Draw(Tensor latents, ScalarType compute = ScalarType.Float32) =>
        Drawing.Of(latents, z => network.forward(z).reshape(-1, shape.Channels, shape.Height, shape.Width));

    /// <summary>Frees the network.</summary>
    public void Dispose() => network.Dispose();
}
