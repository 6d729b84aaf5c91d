using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>A classifier made of a network of Parry's own layers. It owns the network.</summary>
public sealed class NetworkClassifier(
    nn.Module<Tensor, Tensor> network,
    ImageShape shape,
    int classes,
    InputContract? contract = null
) : IClassifier, ILayered, IDisposable
{
    /// <summary>The network, from images in [0, 1] to logits.</summary>
    public nn.Module<Tensor, Tensor> Network { get; } = network;

    /// <summary>
    /// The input contract of published weights, which the network applies itself; empty for Parry's own networks.
    /// </summary>
    public InputContract Contract { get; } = contract ?? new InputContract();

    /// <inheritdoc/>
    public ImageShape Shape { get; } = shape;

    /// <inheritdoc/>
    public int Classes { get; } = classes;

    /// <inheritdoc/>
    public Tensor Logits(Images images) => SmallBatches.Run(images.Pixels, Network.forward);

    /// <inheritdoc/>
    public Jacobian Jacobian(Images images, int count, Func<Tensor, Tensor> losses) =>
        GradientPass.OfEach(this, images, losses);

    /// <inheritdoc/>
    public IDisposable? EnterEvaluation() => Network.EnterEvaluation();

    /// <summary>Frees the network.</summary>
    public void Dispose() => Network.Dispose();
}
