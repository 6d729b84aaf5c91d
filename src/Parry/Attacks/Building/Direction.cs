using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>Directions of length 1 in L2, one per row.</summary>
public static class Direction
{
    private const double Smallest = 1e-12;

    /// <summary>Vectors divided by their lengths; zero stays zero.</summary>
    /// <param name="vectors">[N, C, H, W], or several for each image, [N, K, C, H, W].</param>
    public static Tensor Unit(Tensor vectors) => vectors / Norm.L2.Of(vectors, keepdim: true).clamp_min(Smallest);

    /// <summary>
    /// Gradients divided by their lengths, and a random direction where a gradient vanishes: a step that stands still
    /// would never find another.
    /// </summary>
    /// <param name="gradient">[N, C, H, W].</param>
    /// <param name="random">Where the random directions come from.</param>
    /// <param name="draw">The number of that draw.</param>
    public static Tensor Along(Tensor gradient, SampleRandom random, long draw)
    {
        Tensor vanished = Norm.L2.Of(gradient, keepdim: true) <= Smallest;
        if (vanished.any().Item() == 0)
            return Unit(gradient);
        Tensor noise = random.Normal(draw, gradient.shape.AsSpan(1));
        return where(vanished, Unit(noise), Unit(gradient));
    }
}
