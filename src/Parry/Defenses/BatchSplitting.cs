using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>
/// How purifiers and detectors take a batch: it is checked, split along the sample axis, and all workers take the
/// pieces. A batch that autograd follows stays whole.
/// </summary>
internal static class BatchSplitting
{
    private const double Tolerance = 1e-6;

    /// <summary>Purifies a batch in pieces, and measures how far each image moved.</summary>
    /// <param name="purifier">Whose name and shape errors mention; autograd follows it if its path is exact.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows.</param>
    /// <param name="rowsAtOnce">The most images of a piece.</param>
    /// <param name="purify">From the images of a piece and their draws to the purified images.</param>
    /// <exception cref="UserErrorException">The images are of another shape or not in [0, 1].</exception>
    public static Purified PurifyInPieces(
        this IPurifier purifier,
        Tensor images,
        SampleRandom random,
        int rowsAtOnce,
        Func<Tensor, SampleRandom, Tensor> purify
    )
    {
        using Tensor seen = purifier.Path == GradientPath.Exact ? images.view_as(images) : images.detach();
        Tensor[] joined = Map(purifier.Name, purifier.Shape, seen, random, rowsAtOnce, Piece);
        return new Purified(joined[0], joined[1]);

        Tensor[] Piece(Tensor rows, SampleRandom draws)
        {
            var purified = Purified.Of(rows, purify(rows, draws));
            return [purified.Images, purified.Errors];
        }
    }

    /// <summary>Scores a batch in pieces.</summary>
    /// <param name="detector">Whose name errors mention.</param>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows.</param>
    /// <param name="rowsAtOnce">The most images of a piece.</param>
    /// <param name="score">From the images of a piece and their draws to one score each.</param>
    /// <exception cref="UserErrorException">The images are of another shape or not in [0, 1].</exception>
    public static Tensor ScoreInPieces(
        this IDetector detector,
        ImageShape shape,
        Tensor images,
        SampleRandom random,
        int rowsAtOnce,
        Func<Tensor, SampleRandom, Tensor> score
    ) => Map(detector.Name, shape, images, random, rowsAtOnce, (rows, draws) => [score(rows, draws)])[0];

    private static Tensor[] Map(
        string name,
        ImageShape shape,
        Tensor images,
        SampleRandom random,
        int rowsAtOnce,
        Func<Tensor, SampleRandom, Tensor[]> map
    )
    {
        Check(name, shape, images, random);
        if (is_grad_enabled() && images.requires_grad)
            return map(images, random);
        int count = (int)images.size(0);
        Tensor[][] parts = Workers.Shared.MapRows(
            count,
            Workers.Shared.EqualShare(count, rowsAtOnce),
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                return scope.MoveAllToOuter(map(images.slice(0, from, to, 1), random.For(random.Samples[from..to])));
            }
        );
        try
        {
            return [.. Enumerable.Range(0, parts[0].Length).Select(k => cat([.. parts.Select(part => part[k])]))];
        }
        finally
        {
            foreach (Tensor tensor in parts.SelectMany(part => part))
                tensor.Dispose();
        }
    }

    private static void Check(string name, ImageShape shape, Tensor images, SampleRandom random)
    {
        if (
            images.shape.Length != 4
            || images.size(0) == 0
            || !images.shape.AsSpan(1).SequenceEqual([shape.Channels, shape.Height, shape.Width])
        )
            throw new UserErrorException(
                $"{name} takes images [N, {shape.Channels}, {shape.Height}, {shape.Width}], not "
                    + $"{images.Describe()}: use one that was trained on such images"
            );
        if (random.Samples.Length != images.size(0))
            throw new InvalidOperationException(
                $"A batch of {images.size(0)} rows came with draws for {random.Samples.Length}."
            );
        using var scope = NewDisposeScope();
        Tensor values = images.detach();
        double low = values.amin([0, 1, 2, 3]).Item();
        double high = values.amax([0, 1, 2, 3]).Item();
        if (!(low >= -Tolerance && high <= 1 + Tolerance))
            throw new UserErrorException(
                $"{name} takes images of numbers in [0, 1]; these are in [{low}, {high}]: divide bytes by 255"
            );
    }
}
