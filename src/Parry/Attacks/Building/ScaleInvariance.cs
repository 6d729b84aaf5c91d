using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// SI, scale invariance (Lin, Song, He, Wang, Hopcroft, 2019, 1908.06281): the gradient of the mean loss of m copies of
/// an image, x/2^i for i from 0 to m - 1, because a model's loss barely depends on the scale of its input.
/// </summary>
public static class ScaleInvariance
{
    /// <summary>The gradient of the mean over the copies.</summary>
    /// <param name="gradientAt">The gradient at one copy.</param>
    /// <param name="copies">m: the number of copies.</param>
    public static GradientAt Of(GradientAt gradientAt, int copies) =>
        (points, random) =>
        {
            Tensor sum = zeros_like(points);
            for (int i = 0; i < copies; i++)
            {
                using var scope = NewDisposeScope();
                double scale = Math.Pow(2, -i);
                sum.add_(scale * gradientAt(scale * points, random));
            }

            return sum / copies;
        };
}
