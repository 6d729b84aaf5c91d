using System.Globalization;

namespace Parry.Torch.Nn;

/// <summary>In training mode sets elements to 0 at random and scales the others up, so that the mean stays; otherwise does nothing.</summary>
public sealed class Dropout : Module
{
    private readonly double _drop;

    /// <summary>Creates the layer.</summary>
    /// <param name="drop">The probability of an element to be dropped, in [0, 1): not the one to be kept.</param>
    public Dropout(double drop)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(drop);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(drop, 1);
        _drop = drop;
    }

    /// <summary>Any shape to the same shape.</summary>
    public override Tensor Forward(Tensor input)
    {
        if (Random is null || _drop == 0) return input.Alias();
        using Tensor mask = Mask(input, Random);
        return input.Mul(mask);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"Dropout({_drop})");

    private Tensor Mask(Tensor input, Generator random)
    {
        using var frozen = Autograd.NoGrad();
        return input.Bernoulli(1 - _drop, random).MulInPlace(1 / (1 - _drop));
    }
}
