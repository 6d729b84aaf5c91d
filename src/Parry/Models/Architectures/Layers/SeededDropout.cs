using System.Globalization;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>
/// In training mode, sets elements to 0 at random and scales up the others, so that the mean stays the same; otherwise
/// does nothing. TorchSharp's own layers do not take a generator.
/// </summary>
public sealed class SeededDropout : Network
{
    private readonly double _drop;
    private readonly bool _maps;

    /// <summary>Creates the layer.</summary>
    /// <param name="drop">The probability that an element is dropped (not kept), in [0, 1).</param>
    /// <param name="maps">Whether whole maps of a batch [N, C, H, W] are dropped instead of single elements.</param>
    public SeededDropout(double drop, bool maps = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(drop);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(drop, 1);
        (_drop, _maps) = (drop, maps);
    }

    /// <summary>Any shape to the same shape.</summary>
    public override Tensor forward(Tensor input)
    {
        if (Random is null || _drop == 0)
            return input.view_as(input);
        using Tensor mask = Mask(input, Random);
        return input * mask;
    }

    /// <summary>Drops in evaluation mode too, by the draws of a number that belong to the rows.</summary>
    internal Tensor Drop(Tensor input, SampleRandom random, long draw)
    {
        long[] shape = _maps ? [input.size(1), 1, 1] : input.shape[1..];
        Tensor kept = random.Uniform(draw, shape) >= _drop;
        return input * (kept / (1 - _drop));
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"Dropout{(_maps ? "2d" : "")}({_drop})");

    private Tensor Mask(Tensor input, Generator random)
    {
        using var frozen = no_grad();
        Tensor mask = _maps ? empty([input.size(0), input.size(1), 1, 1]) : empty_like(input);
        mask.FillBernoulli(1 - _drop, random);
        return mask.mul_(1 / (1 - _drop));
    }
}
