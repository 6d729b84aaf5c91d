using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// A model whose layers can be seen: what exact methods need, which reason about weights instead of asking for
/// gradients.
/// </summary>
public interface ILayered
{
    /// <summary>
    /// The network, from images in [0, 1] to logits; null where a wrapper stands around a model that shows none.
    /// </summary>
    nn.Module<Tensor, Tensor>? Network { get; }
}
