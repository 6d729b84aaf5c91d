using System.Globalization;

namespace Parry.Torch.Nn;

/// <summary>factor · x + offset with fixed numbers, as from [0, 1] to [-1, 1] and back.</summary>
public sealed class Rescale(double factor, double offset) : Module
{
    /// <summary>Any shape to the same shape.</summary>
    public override Tensor Forward(Tensor input) => input.Mul(factor).Add(offset);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"Rescale({factor}, {offset})");
}
