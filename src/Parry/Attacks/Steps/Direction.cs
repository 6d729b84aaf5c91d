using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Attacks.Steps;

/// <summary>Directions of length 1 in L2, one per row.</summary>
internal static class Direction
{
    private const double Smallest = 1e-12;
    private static readonly long[] s_image = [1, 2, 3];

    /// <summary>Vectors divided by their lengths; zero stays zero.</summary>
    public static Tensor Unit(Tensor vectors) =>
        vectors.div(linalg.vector_norm(vectors, 2, s_image, true).clamp_min(Smallest));

    /// <summary>
    /// Gradients divided by their lengths, and a random direction where a gradient vanishes: a step that stands still
    /// would never find another.
    /// </summary>
    /// <param name="gradient">[N, C, H, W].</param>
    /// <param name="random">Where the random directions come from.</param>
    /// <param name="draw">The number of that draw.</param>
    public static Tensor Along(Tensor gradient, SampleRandom random, long draw)
    {
        Tensor lost = linalg.vector_norm(gradient, 2, s_image, true).le(Smallest);
        return lost.any().ToDouble() == 0
            ? Unit(gradient)
            : where(lost, Unit(random.Normal(draw, gradient.shape.AsSpan(1))), Unit(gradient));
    }
}
