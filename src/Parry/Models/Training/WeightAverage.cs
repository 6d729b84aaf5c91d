using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>
/// An exponential average of a network's weights and buffers in a second network of the same architecture. Its window
/// grows from zero, so that the initial weights are soon forgotten.
/// </summary>
internal sealed class WeightAverage
{
    private readonly nn.Module _average;
    private readonly nn.Module _current;
    private readonly double _decay;

    /// <summary>Starts the average at the initial weights.</summary>
    /// <param name="average">The network that holds the average.</param>
    /// <param name="current">The network in training.</param>
    /// <param name="decay">The share of the average that a step keeps in the long run; below 1.</param>
    public WeightAverage(nn.Module average, nn.Module current, double decay)
    {
        (_average, _current, _decay) = (average, current, decay);
        average.LoadState(current.State().ToDictionary());
    }

    /// <summary>Updates the average with the weights after a number of steps.</summary>
    public void Update(int steps)
    {
        using var frozen = no_grad();
        double keep = Math.Min(_decay, (1.0 + steps) / (10 + steps));
        foreach (var ((_, mean), (_, weight)) in _average.State().Zip(_current.State()))
            mean.mul_(keep).add_(weight, 1 - keep);
    }
}
