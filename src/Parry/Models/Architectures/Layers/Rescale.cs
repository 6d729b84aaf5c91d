using System.Globalization;
using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>Computes factor · x + offset with fixed numbers, such as from [0, 1] to [-1, 1] and back.</summary>
public sealed class Rescale(double factor, double offset) : Network
{
    /// <summary>Any shape to the same shape.</summary>
    public override Tensor forward(Tensor input) => (input * factor) + offset;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"Rescale({factor}, {offset})");
}
