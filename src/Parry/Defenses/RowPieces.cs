using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>How purifiers and detectors take a batch: checked, and in pieces on all workers.</summary>
internal static class RowPieces
{
    private const double Tolerance = 1e-6;

    /// <summary>Purifies in pieces; whole, where autograd follows the images.</summary>
    /// <param name="purifier">For whom.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows.</param>
    /// <param name="largest">The most images of a piece.</param>
    /// <param name="purify">Purifies a piece.</param>
    /// <exception cref="UserErrorException">The images are of another shape, or hold something else than numbers in [0,
    /// 1].</exception>
    public static Purified Purify(
        IPurifier purifier,
        Tensor images,
        SampleRandom random,
        int largest,
        Func<Tensor, SampleRandom, Purified> purify
    )
    {
        Tensor[] joined = Map(
            purifier.Name,
            purifier.Shape,
            images,
            random,
            largest,
            (rows, draws) =>
            {
                Purified part = purify(rows, draws);
                return [part.Images, part.Errors];
            }
        );
        return new Purified(joined[0], joined[1]);
    }

    /// <summary>Scores in pieces; whole, where autograd follows the images.</summary>
    /// <exception cref="UserErrorException">The images are of another shape, or hold something else than numbers in [0,
    /// 1].</exception>
    public static Tensor Score(
        IDetector detector,
        ImageShape shape,
        Tensor images,
        SampleRandom random,
        int largest,
        Func<Tensor, Tensor> score
    ) => Map(detector.Name, shape, images, random, largest, (rows, _) => [score(rows)])[0];

    private static Tensor[] Map(
        string name,
        ImageShape shape,
        Tensor images,
        SampleRandom random,
        int largest,
        Func<Tensor, SampleRandom, Tensor[]> map
    )
    {
        Check(name, shape, images, random);
        if (is_grad_enabled() && images.requires_grad)
            return map(images, random);
        int count = (int)images.size(0);
        int size = Math.Clamp((count + Workers.Shared.Count - 1) / Workers.Shared.Count, 1, largest);
        Tensor[][] parts = Workers.Shared.Map(
            (count + size - 1) / size,
            i =>
            {
                int from = i * size,
                    to = Math.Min(count, from + size);
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
        double low = values.amin([0, 1, 2, 3]).ToDouble(),
            high = values.amax([0, 1, 2, 3]).ToDouble();
        if (!(low >= -Tolerance && high <= 1 + Tolerance))
            throw new UserErrorException(
                $"{name} takes images of numbers in [0, 1]; these are in [{low}, {high}]: divide bytes by 255"
            );
    }
}
