using System.Globalization;
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
/// Measures a generator, and beside it real images that nothing trained on, which no generator should beat, and noise,
/// which every one should.
/// </summary>
internal sealed class QualityRun
{
    /// <summary>Samples that are held against all training images.</summary>
    public const int Neighbors = 1000;

    private const int Sheet = 50;
    private const int SheetColumns = 10;

    /// <summary>The generator's name.</summary>
    public required string Name { get; init; }

    /// <summary>The generator.</summary>
    public required nn.Module<Tensor, Tensor> Generator { get; init; }

    /// <summary>Length of its latent vector.</summary>
    public required int Latent { get; init; }

    /// <summary>The classes of a conditional one; 0 for others.</summary>
    public required int Classes { get; init; }

    /// <summary>What sees the features.</summary>
    public required FeatureNetwork Features { get; init; }

    /// <summary>What the generator learned from.</summary>
    public required ImageSet Training { get; init; }

    /// <summary>As many real images as are drawn, which nothing learned from.</summary>
    public required ImageSet HeldOut { get; init; }

    /// <summary>What everything is compared with.</summary>
    public required ImageSet Test { get; init; }

    /// <summary>How many test images are reconstructed; 0 for none.</summary>
    public required int Reconstructed { get; init; }

    /// <summary>Decides every draw.</summary>
    public required long Seed { get; init; }

    /// <summary>Where sheets of images are written to; null for nowhere.</summary>
    public required string? Folder { get; init; }

    /// <summary>Measures: the generator, then real images, then noise.</summary>
    public IReadOnlyList<QualityRow> Run(ProgressLine line, CancellationToken cancellation)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        line.Show(() => "drawing");
        Tensor test = Test.ImageTensor(),
            real = HeldOut.ImageTensor();
        Tensor drawn = GeneratorSamples.Draw(
            Generator,
            HeldOut.Shape,
            Latent,
            Classes,
            HeldOut.Count,
            Seed,
            cancellation
        );
        Tensor noise = GeneratorSamples.Noise(HeldOut.Shape, HeldOut.Count, Seed);
        Tensor reference = Features.Of(test, cancellation).Features;
        BirthdayParadox realPairs = BirthdayParadox.Of(real, cancellation: cancellation);

        QualityRow Measure(string source, Tensor images, Func<double?>? reconstruction)
        {
            void Now(string stage) => line.Show(() => $"{source}: {stage}");

            Now("features");
            var (features, probabilities) = Features.Of(images, cancellation);
            Now("FID");
            double fid = Fid.Of(features, reference, cancellation);
            Now("precision and recall");
            PrecisionRecall neighborhoods = PrecisionRecall.Of(reference, features, cancellation: cancellation);
            Now("nearest training images");
            NearestNeighbors nearest = NearestNeighbors.Of(images.slice(0, 0, Neighbors, 1), Training, cancellation);
            Now("duplicates");
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
                reconstruction?.Invoke()
            );
        }

        Tensor targets = test.slice(0, 0, Reconstructed, 1);
        return
        [
            Measure(
                Name,
                drawn,
                Reconstructed > 0 && Generator is ImageGenerator projectable
                    ? () => Reconstruct(projectable, targets, line, cancellation)
                    : null
            ),
            Measure(
                "real images",
                real,
                Reconstructed > 0
                    ? () =>
                        NearestNeighbors
                            .Of(targets, HeldOut, cancellation)
                            .Distances.Average(distance => distance * distance / Test.Shape.Pixels)
                    : null
            ),
            Measure("noise", noise, null),
        ];
    }

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
        byte[] pixels = drawn.mul(255.0).round().to(ScalarType.Byte).ToArray<byte>();
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
        AtomicFile.Write(Path.Combine(Folder!, name), stream => stream.Write(png));
    }

    private sealed class Shares(ProgressLine line, string name) : IProgress<double>
    {
        public void Report(double value) =>
            line.Show(() => string.Create(CultureInfo.InvariantCulture, $"{name}: reconstruction, {value * 100:0} %"));
    }
}
