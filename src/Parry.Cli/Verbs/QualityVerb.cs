using System.CommandLine;
using System.Globalization;
using Parry.Cli.Measuring;
using Parry.Data;
using Parry.Generative;
using Parry.Generative.Quality;
using Parry.Models;
using Parry.Reports;
using Spectre.Console;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary><c>parry quality</c>: how good a generator's images are.</summary>
internal static class QualityVerb
{
    // Ten splits of the classifier score and ten batches of the birthday paradox, of two samples at least.
    private const int FewestSamples = 20;

    /// <summary>What <c>--json</c> writes. Rows: the generator, real images that nothing trained on, noise.</summary>
    /// <param name="Model">The generator.</param>
    /// <param name="Data">The data set.</param>
    /// <param name="Features">The classifier whose features are compared.</param>
    /// <param name="Count">Images measured of each source.</param>
    /// <param name="TestCount">Test images they are compared with.</param>
    /// <param name="Neighbors">How many of them are held against the training images.</param>
    /// <param name="Reconstructed">Test images that are reconstructed.</param>
    /// <param name="Seed">The seed.</param>
    /// <param name="Rows">The measures.</param>
    /// <param name="Notes">What to mind when reading them.</param>
    internal sealed record QualityReport(
        string Model,
        string Data,
        string Features,
        int Count,
        int TestCount,
        int Neighbors,
        int Reconstructed,
        long Seed,
        IReadOnlyList<QualityRow> Rows,
        IReadOnlyList<string> Notes
    );

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var model = new Option<string>("--model")
        {
            Description = "The generator: a .safetensors file or the name of one that ships, as mnist/gan.",
            HelpName = "GENERATOR",
            Required = true,
        };
        var data = new DataOptions();
        var features = new Option<string?>("--features")
        {
            Description =
                "The classifier whose features and classes are compared; the data set's shipped one, as mnist/a, if "
                + "not given.",
            HelpName = "MODEL",
        };
        Option<int> count = Arguments.Number(
            "--count",
            "How many images to draw, and real ones to set beside them.",
            10_000,
            FewestSamples
        );
        Option<int> reconstruct = Arguments.Number(
            "--reconstruct",
            "How many test images, from the first on, to reconstruct with a generator of wgan-gp, which takes the "
                + "longest; 0 for none.",
            100,
            0
        );
        Option<long> seed = Arguments.Seed();
        var output = new Option<string?>("--out")
        {
            Description = "A folder for sheets of the samples nearest to training images and to each other, as PNG.",
            HelpName = "DIR",
        };
        Option<bool> json = Arguments.Json();
        return new Command(
            "quality",
            "Measure a generator's images against test images, with real images and noise beside it."
        )
        {
            model,
            data,
            features,
            count,
            reconstruct,
            seed,
            output,
            json,
        }.Does(
            (parsed, cancellation) =>
            {
                string name = parsed.GetRequiredValue(model);
                IImageSource set = data.Open(parsed, name);
                string eye = parsed.GetValue(features) ?? $"{set.Name}/a";
                string? folder = parsed.GetValue(output);
                var (generator, description) = Generators.Open(name);
                using nn.Module<Tensor, Tensor> owned = generator;
                if (description.Shape != set.Shape)
                    throw new UserErrorException(
                        $"{name} draws images of {description.Shape}, those of {set.Name} are {set.Shape}: give the "
                            + $"data it was trained on"
                    );
                IClassifier classifier = ModelCatalog.LoadClassifier(eye, set.Shape, set.ClassNames.Count).Classifier;
                using var ownedToo = classifier as IDisposable;
                ImageSet heldOut = set.Load(DataPart.Validation, Split.DefenseGan, data.Folder(parsed));
                int drawn = heldOut.Take(parsed.GetValue(count)).Count; // refuses more than there are
                var run = new QualityRun
                {
                    Name = name,
                    Generator = generator,
                    Latent = description.Latent!.Value,
                    Classes = description.ClassNames.Count,
                    Features = new FeatureNetwork(classifier),
                    Training = set.Load(DataPart.Train, Split.DefenseGan, data.Folder(parsed)),

                    // Neighbors in the published order are by the same writers: a part of them is drawn at random.
                    HeldOut = heldOut.Select(
                        ShuffledBatches.Permutation(heldOut.Count, (ulong)parsed.GetValue(seed), 0).AsSpan(0, drawn)
                    ),
                    Test = set.Load(DataPart.Test, Split.DefenseGan, data.Folder(parsed)),
                    Reconstructed = parsed.GetValue(reconstruct),
                    Seed = parsed.GetValue(seed),
                    Folder = folder,
                };
                if (folder is not null)
                    ReportFolder.CheckWritable(folder);
                IReadOnlyList<QualityRow> rows;
                using (ProgressLine line = ProgressLine.Of(parsed))
                {
                    rows = run.Run(line, cancellation);
                }

                var report = new QualityReport(
                    name,
                    set.Name,
                    eye,
                    run.HeldOut.Count,
                    run.Test.Count,
                    Math.Min(QualityRun.Neighbors, run.HeldOut.Count),
                    Math.Min(run.Reconstructed, run.Test.Count),
                    run.Seed,
                    rows,
                    [.. Notes(run, rows)]
                );
                Output shown = Output.Of(parsed);
                if (parsed.GetValue(json))
                    shown.Json(report, CliJson.Default.QualityReport);
                else
                    Show(report, folder, shown);
                return 0;
            }
        );
    }

    private static IEnumerable<string> Notes(QualityRun run, IReadOnlyList<QualityRow> rows)
    {
        int fewest = Math.Min(run.HeldOut.Count, run.Test.Count);
        if (fewest < Fid.FewestSamples)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"FID from {fewest} samples is too large: give a --count of at least {Fid.FewestSamples} before "
                    + $"comparing it"
            );
        if (rows[0].ReconstructionError is null && run.Reconstructed > 0)
            yield return "test images were not reconstructed: the descent is made for wgan-gp's generator";
        if (rows[0].TrainingDistance < rows[1].TrainingDistance / 2)
            yield return "the samples lie much closer to training images than fresh real ones do: they may be "
                + "memorized";
    }

    private static void Show(QualityReport report, string? folder, Output shown)
    {
        Table table = Output.Table(["measure", ">best", .. report.Rows.Select(row => ">" + row.Source)]);
        void Row(string measure, string best, Func<QualityRow, string> value) =>
            table.AddRow([.. new[] { measure, best }.Concat(report.Rows.Select(value)).Select(Markup.Escape)]);
        int classes = report.Rows[0].Modes.Shares.Count;

        Row("FID to the test images", "0", row => string.Create(CultureInfo.InvariantCulture, $"{row.Fid:0.00}"));
        Row(
            "classifier score, 10 splits",
            string.Create(CultureInfo.InvariantCulture, $"{classes}"),
            row => string.Create(CultureInfo.InvariantCulture, $"{row.Score.Mean:0.00} ± {row.Score.Deviation:0.00}")
        );
        Row(
            "classes of at least 1 %",
            string.Create(CultureInfo.InvariantCulture, $"{classes}"),
            row => string.Create(CultureInfo.InvariantCulture, $"{row.Modes.Covered}")
        );
        Row(
            "KL of the classes to uniform",
            "0",
            row => string.Create(CultureInfo.InvariantCulture, $"{row.Modes.Divergence:0.000}")
        );
        Row(
            "confident (largest probability above 0.95)",
            "100 %",
            row => string.Create(CultureInfo.InvariantCulture, $"{row.Modes.Confident * 100:0.0} %")
        );
        Row(
            "precision",
            "1",
            row => string.Create(CultureInfo.InvariantCulture, $"{row.Neighborhoods.Precision:0.000}")
        );
        Row("recall", "1", row => string.Create(CultureInfo.InvariantCulture, $"{row.Neighborhoods.Recall:0.000}"));
        Row("density", "1", row => string.Create(CultureInfo.InvariantCulture, $"{row.Neighborhoods.Density:0.000}"));
        Row("coverage", "1", row => string.Create(CultureInfo.InvariantCulture, $"{row.Neighborhoods.Coverage:0.000}"));
        Row(
            "distance to the nearest training image, median",
            "as real",
            row => string.Create(CultureInfo.InvariantCulture, $"{row.TrainingDistance:0.00}")
        );
        Row(
            "the smallest of them",
            "as real",
            row => string.Create(CultureInfo.InvariantCulture, $"{row.NearestTraining:0.00}")
        );
        Row(
            "closest pair of a tenth of the samples, median",
            "as real",
            row => string.Create(CultureInfo.InvariantCulture, $"{row.ClosestPair:0.00}")
        );
        Row(
            "tenths with a pair closer than any real one",
            "0 %",
            row =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{row.DuplicateShare * 100:0} "
                        + $"%{(row.Support is { } support ? $" (about {support:0} images)" : "")}"
                )
        );
        if (report.Reconstructed > 0)
            Row(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"squared error a pixel of {report.Reconstructed} test images, reconstructed"
                ),
                "0",
                row =>
                    row.ReconstructionError is { } error
                        ? string.Create(CultureInfo.InvariantCulture, $"{error:0.0000}")
                        : ""
            );
        shown.Render(table);
        shown.Line(
            $"classes drawn: "
                + $"{string.Join(", ", report.Rows[0].Modes.Shares.Select((share, label) => string.Create(CultureInfo.InvariantCulture, $"{label} {share * 100:0.0} %")))}"
        );
        shown.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Count} images of each source, {report.TestCount} test images, features of "
                    + $"{report.Features}: numbers compare with those of the same only."
            )
        );
        foreach (string note in report.Notes)
            shown.Line($"note: {note}");
        if (folder is not null)
            shown.Line($"Sheets: {folder}");
    }
}
