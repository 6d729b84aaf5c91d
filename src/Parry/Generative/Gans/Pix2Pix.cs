using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// The settings of a <see cref="Pix2PixTrainer"/>; the defaults are those of pix2pix (Isola et al., 2016, 1611.07004)
/// and its code.
/// </summary>
public sealed record Pix2Pix
{
    /// <summary>Channels of the first map of both networks.</summary>
    public int Width { get; init; } = 64;

    /// <summary>
    /// Generator steps. The step size is constant in the first half and falls linearly to 0 in the second.
    /// </summary>
    public int Iterations { get; init; } = 20_000;

    /// <summary>Images in a batch.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>Adam's step size in the first half, for both networks; its decays are 0.5 and 0.999.</summary>
    public double LearningRate { get; init; } = 2e-4;

    /// <summary>The weight of the mean absolute difference from the target image, both in [-1, 1].</summary>
    public double Likeness { get; init; } = 100;

    /// <summary>Decides initial weights, order of images and dropout.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The step size of an iteration, counted from 0.</summary>
    public double RateAt(int iteration) => LearningRate * Math.Min(1, 2 * (1 - (iteration / (double)Iterations)));

    /// <summary>
    /// The edges of images: the length of Sobel's gradient of the mean channel, 1 at a step from black to white,
    /// repeated for each channel. The outermost pixels are 0.
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    public static Tensor Edges(Tensor images)
    {
        using var scope = NewDisposeScope();
        Tensor across = tensor(new float[] { -1f, 0, 1, -2, 0, 2, -1, 0, 1 }, [1, 1, 3, 3]);
        Tensor gray = images.mean([1], true);
        Tensor x = nn.functional.conv2d(gray, across);
        Tensor y = nn.functional.conv2d(gray, across.transpose(2, 3));
        Tensor length = (x.pow(2) + y.pow(2)).sqrt() / 4;
        Tensor edges = nn.functional.pad(length.clamp(0, 1), [1, 1, 1, 1]);
        return scope.MoveToOuter(edges.repeat(1, images.size(1), 1, 1));
    }
}
