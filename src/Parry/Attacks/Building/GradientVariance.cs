using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// The gradient variance of VMI (Wang and He, 2021, 2103.15571): how far the mean gradient around a point is from the
/// gradient of a step. Added to the next step's gradient it takes the turns out of the way. Deviation: points around
/// the image are clipped to the box, as models take nothing else.
/// </summary>
public static class GradientVariance
{
    /// <summary>V: the mean gradient at points around others, less a gradient.</summary>
    /// <param name="gradientAt">The gradient at a point.</param>
    /// <param name="points">[N, C, H, W] in [0, 1].</param>
    /// <param name="gradient">The gradient of the step.</param>
    /// <param name="radius">The largest change of a value.</param>
    /// <param name="count">The number of points around each.</param>
    /// <param name="random">Random draws for the same rows, from their forks 1 to count, draw 1.</param>
    public static Tensor Of(
        GradientAt gradientAt,
        Tensor points,
        Tensor gradient,
        double radius,
        int count,
        SampleRandom random
    )
    {
        Tensor sum = zeros_like(points);
        for (int i = 1; i <= count; i++)
        {
            using var scope = NewDisposeScope();
            SampleRandom own = random.Fork(i);
            Tensor noise = radius * ((2 * own.Uniform(1, points.shape.AsSpan(1))) - 1);
            sum.add_(gradientAt((points + noise).clamp(0.0, 1.0), own));
        }

        return (sum / count) - gradient;
    }
}
