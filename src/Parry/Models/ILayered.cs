using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// A model whose layers can be read, as exact methods require: they reason about weights instead of using gradients.
/// </summary>
public interface ILayered
{
    /// <summary>
    /// The network, from images in [0, 1] to logits; null for a wrapper of a model whose layers cannot be read.
    /// </summary>
    nn.Module<Tensor, Tensor>? Network { get; }
}
