using Parry.Data;
using Parry.Data.Images;
using Parry.Defenses.Purifiers;
using Parry.Evaluation;
using Parry.Generative.Gans;
using Parry.Generative.Quality;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Measuring;

/// <summary>
/// Measures a generator. For comparison it also measures held-out real images, which no generator should beat, and
/// noise, which every generator should beat.
/// </summary>
internal sealed class QualityRun
{
    /// <summary>Samples that are compared with all training images.</summary>
    public const int Neighbors = 1000;

    private const int Sheet = 50;
    private const int SheetColumns = 10;

    /// <summary>The generator's name.</summary>
    public required string Name { get; init; }

    /// <summary>The generator.</summary>
    public required nn.Module<Tensor, Tensor> Generator { get; init; }

    /// <summary>The length of its latent vector.</summary>
    public required int Latent { get; init; }

    /// <summary>The classes of a conditional generator; 0 for others.</summary>
    public required int Classes { get; init; }

    /// <summary>The classifier that computes the features.</summary>
    public required FeatureNetwork Features { get; init; }

    /// <summary>What the generator was trained on.</summary>
    public required ImageSet Training { get; init; }

    /// <summary>Held-out real images, as many as are generated.</summary>
    public required ImageSet HeldOut { get; init; }

    /// <summary>The test images with which everything is compared.</summary>
    public required ImageSet Test { get; init; }

    /// <summary>How many test images are reconstructed; 0 for none.</summary>
    public required int Reconstructed { get; init; }

    /// <summary>The seed of every random draw.</summary>
    public required long Seed { get; init; }

    /// <summary>The folder for sheets of images; null for none.</summary>
    public required RunFolder? Folder { get; init; }

    /// <summary>Measures the generator, then real images, then noise.</summary>
    /// <param name="data">The data set's name.</param>
    /// <param name="features">The name of the classifier whose features are compared.</param>
    /// <param name="line">Shows the progress.</param>
    /// <param name="cancellation">Stops it.</param>
    public QualityReport Run(string data, string features, ProgressLine line, CancellationToken cancellation)
    {
        IReadOnlyList<QualityRow> rows = Measure(line, cancellation);
        return new QualityReport(
            Name,
            data,
            features,
            HeldOut.Count,
            Test.Count,
            Math.Min(Neighbors, HeldOut.Count),
            Math.Min(Reconstructed, Test.Count),
            Seed,
            rows,
            [.. Notes(rows), .. new[] { Training.Note, Test.Note }.OfType<string>()]
        );
    }

    private IReadOnlyList<QualityRow> Measure(ProgressLine line, CancellationToken cancellation)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        line.Show(() => "drawing");
        int count = HeldOut.Count;
        Tensor test = Test.ImageTensor();
        Tensor real = HeldOut.ImageTensor();
        Tensor drawn = GeneratorSamples.Draw(Generator, HeldOut.Shape, Latent, Classes, count, Seed, cancellation);
        Tensor noise = GeneratorSamples.Noise(HeldOut.Shape, count, Seed);
        Tensor reference = Features.Of(test, cancellation).Features;
        BirthdayParadox realPairs = BirthdayParadox.Of(real, cancellation: cancellation);
        Tensor targets = test.slice(0, 0, Reconstructed, 1);
        QualityRow generated = Measure(Name, drawn);
        if (Reconstructed > 0 && Generator is ImageGenerator projectable)
            generated = generated with { ReconstructionError = Reconstruct(projectable, targets, line, cancellation) };
        QualityRow held = Measure("real images", real);
        if (Reconstructed > 0)
            held = held with { ReconstructionError = ErrorOfNearest(targets, cancellation) };
        return [generated, held, Measure("noise", noise)];

        QualityRow Measure(string source, Tensor images)
        {
            Begin("features");
            var (features, probabilities) = Features.Of(images, cancellation);
            Begin("FID");
            double fid = Fid.Of(features, reference, cancellation);
            Begin("precision and recall");
            PrecisionRecall neighborhoods = PrecisionRecall.Of(reference, features, cancellation: cancellation);
            Begin("nearest training images");
            NearestNeighbors nearest = NearestNeighbors.Of(images.slice(0, 0, Neighbors, 1), Training, cancellation);
            Begin("duplicates");
            BirthdayParadox pairs = BirthdayParadox.Of(images, cancellation: cancellation);
            if (ReferenceEquals(images, drawn) && Folder is not null)
                WriteSheets(drawn, nearest, pairs);
            double share = pairs.ShareBelow(realPairs.Smallest);
            return new QualityRow(
                source,
                fid,
                ClassifierScore.Of(probabilities),
                ModeCoverage.Of(probabilities),
                neighborhoods,
                nearest.Median,
                nearest.Distances.Min(),
                pairs.Median,
                share,
                BirthdayParadox.Support(pairs.BatchSize, share),
                null
            );

            void Begin(string stage) => line.Show(() => $"{source}: {stage}");
        }
    }

    private IEnumerable<string> Notes(IReadOnlyList<QualityRow> rows)
    {
        int fewest = Math.Min(HeldOut.Count, Test.Count);
        if (fewest < Fid.FewestSamples)
            yield return $"FID from {fewest} samples is too large: give a --count of at least {Fid.FewestSamples} "
                + "before comparing it";
        if (rows[0].ReconstructionError is null && Reconstructed > 0)
            yield return "test images were not reconstructed: that needs a generator of wgan-gp";
        if (rows[0].TrainingDistance < rows[1].TrainingDistance / 2)
            yield return "the samples are much closer to training images than held-out real images are: they may be "
                + "memorized";
    }

    // Mean squared error per pixel of the nearest held-out image.
    private double ErrorOfNearest(Tensor targets, CancellationToken cancellation) =>
        NearestNeighbors
            .Of(targets, HeldOut, cancellation)
            .Distances.Average(distance => distance * distance / Test.Shape.Pixels);

    private double Reconstruct(
        ImageGenerator generator,
        Tensor images,
        ProgressLine line,
        CancellationToken cancellation
    ) =>
        ReconstructionError
            .Of(
                new DefenseGan(generator)
                {
                    Compute = Devices.HasFastBfloat16 ? ScalarType.BFloat16 : ScalarType.Float32,
                },
                images,
                Seed,
                new Shares(line, Name),
                cancellation
            )
            .Average();

    private void WriteSheets(Tensor drawn, NearestNeighbors nearest, BirthdayParadox pairs)
    {
        int[] suspects = [.. Enumerable.Range(0, nearest.Indices.Count).OrderBy(i => nearest.Distances[i]).Take(Sheet)];
        byte[] pixels = (drawn * 255.0).round().to(ScalarType.Byte).ToArray<byte>();
        ReadOnlySpan<byte> Drawn(int i) => pixels.AsSpan(i * Test.Shape.Pixels, Test.Shape.Pixels);

        var neighbors = new List<byte>();
        foreach (int i in suspects)
        {
            neighbors.AddRange(Drawn(i));
            neighbors.AddRange(Training.Image(nearest.Indices[i]));
        }

        var closest = new List<byte>();
        foreach (ClosestPair pair in pairs.Pairs.OrderBy(pair => pair.Distance))
        {
            closest.AddRange(Drawn(pair.First));
            closest.AddRange(Drawn(pair.Second));
        }

        Write("neighbors.png", neighbors);
        Write("closest-pairs.png", closest);
    }

    private void Write(string name, List<byte> images)
    {
        byte[] png = ImageGrid.EncodePng(images.ToArray(), Test.Shape, SheetColumns, scale: 2);
        Folder!.Claim(name);
        AtomicFile.Write(Path.Combine(Folder.FullPath, name), stream => stream.Write(png));
    }

    private sealed class Shares(ProgressLine line, string name) : IProgress<double>
    {
        public void Report(double value) => line.Show(() => $"{name}: reconstruction, {value * 100:0} %");
    }
}
