using System.CommandLine;
using System.Globalization;
using Parry.Data;
using Parry.Defenses;
using Parry.Models;
using Spectre.Console;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry certify</c>: how far from each image randomized smoothing proves the answer, and so the accuracy that no
/// attack within a radius can take.
/// </summary>
internal static class CertifyVerb
{
    private const int ImagesAtOnce = 20;

    /// <summary>What <c>--json</c> writes.</summary>
    internal sealed record CertifyReport(
        string Model,
        string Data,
        int Count,
        double Sigma,
        int Samples,
        double Alpha,
        long Seed,
        int Abstained,
        IReadOnlyList<CertifiedAccuracy> Accuracies,
        IReadOnlyList<CertifiedImage> Images,
        string? Note = null
    );

    /// <summary>The share of images that are right and proven at a radius.</summary>
    internal sealed record CertifiedAccuracy(double Radius, double Accuracy);

    /// <summary>One image: its true class, the answer (null where it abstains) and the radius.</summary>
    internal sealed record CertifiedImage(int Label, int? Class, double Radius);

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var model = new ModelOptions();
        var data = new DataOptions();
        Option<double> sigma = Arguments.Positive(
            "--sigma",
            "Standard deviation of the noise, for values in 0 to 1.",
            0.25
        );
        Option<int> selection = Arguments.Number("--selection", "Votes that choose the class.", 100, 1);
        Option<int> samples = Arguments.Number(
            "--samples",
            "Votes that bound its probability; 100,000 in the paper.",
            1000,
            1
        );
        Option<double> alpha = Arguments.Positive(
            "--alpha",
            "The probability of proving too much, for each image; below 0.5.",
            0.001
        );
        var radii = new Option<string>("--radii")
        {
            Description = "L2 radii at which accuracy is told.",
            HelpName = "RADII",
            DefaultValueFactory = _ => "0,0.25,0.5,0.75,1",
        };
        Option<int> count = Arguments.Count(100);
        Option<long> seed = Arguments.Seed();
        Option<bool> json = Arguments.Json();
        return new Command(
            "certify",
            "Prove by randomized smoothing that no perturbation within an L2 radius changes a classifier's answer "
                + "under noise."
        )
        {
            model,
            data,
            sigma,
            selection,
            samples,
            alpha,
            radii,
            count,
            seed,
            json,
        }.Does(
            (parsed, cancellation) =>
            {
                double[] asked =
                [
                    .. parsed
                        .GetRequiredValue(radii)
                        .Split(',')
                        .Select(text =>
                            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double radius)
                            && radius >= 0
                                ? radius
                                : throw new UserErrorException(
                                    $"expected --radii to be numbers from 0 on, as 0,0.25,0.5, got \"{text}\""
                                )
                        ),
                ];
                if (parsed.GetValue(alpha) >= 0.5)
                    throw new UserErrorException($"expected --alpha to be below 0.5, got {parsed.GetValue(alpha)}");
                ModelRequest request = model.Read(parsed);
                var (opened, set) = request.OpenWith(data.Text(parsed), data.Attribute(parsed), cancellation);
                using OpenedModel owned = opened;
                if (opened.Model is not IClassifier classifier)
                    throw new UserErrorException(
                        $"expected a model whose logits can be seen, got {request.Name}: give a file"
                    );
                ImageSet images = set.Load(
                    DataPart.Test,
                    Split.DefenseGan,
                    data.Folder(parsed),
                    parsed.GetValue(count),
                    orFewer: parsed.IsDefault(count)
                );
                var smoothed = new RandomizedSmoothing(
                    classifier,
                    parsed.GetValue(sigma),
                    draws: 1,
                    parsed.GetValue(seed)
                );
                var certified = new List<CertifiedImage>();
                using (ProgressLine line = ProgressLine.Of(parsed))
                {
                    for (int from = 0; from < images.Count; from += ImagesAtOnce)
                    {
                        ImageSet part = images.Slice(from, Math.Min(ImagesAtOnce, images.Count - from));
                        using Tensor pixels = part.ImageTensor();
                        long[] numbers = [.. Enumerable.Range(from, part.Count).Select(sample => (long)sample)];
                        Certificate[] proven = smoothed.Certify(
                            new Images(pixels, numbers),
                            parsed.GetValue(selection),
                            parsed.GetValue(samples),
                            parsed.GetValue(alpha),
                            cancellation
                        );
                        certified.AddRange(
                            proven.Select(
                                (certificate, i) =>
                                    new CertifiedImage(part.Labels[i], certificate.Class, certificate.Radius)
                            )
                        );
                        double done = (double)certified.Count / images.Count;
                        line.Show(() =>
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"{certified.Count} of {images.Count} images, {line.TimeLeft(done)}"
                            )
                        );
                    }
                }

                var report = new CertifyReport(
                    request.Name,
                    set.Name,
                    images.Count,
                    parsed.GetValue(sigma),
                    parsed.GetValue(samples),
                    parsed.GetValue(alpha),
                    parsed.GetValue(seed),
                    certified.Count(image => image.Class is null),
                    [.. asked.Select(radius => new CertifiedAccuracy(radius, AccuracyAt(certified, radius)))],
                    certified,
                    images.Note
                );
                Output output = Output.Of(parsed);
                if (parsed.GetValue(json))
                    output.Json(report, CliJson.Default.CertifyReport);
                else
                    Show(output, report);
                return 0;
            }
        );
    }

    // A radius of 0 asks only for a right answer; a proof holds below its radius.
    private static double AccuracyAt(List<CertifiedImage> images, double radius) =>
        images.Count(image => image.Class == image.Label && (radius == 0 || image.Radius > radius))
        / (double)images.Count;

    private static void Show(Output output, CertifyReport report)
    {
        Table table = Output.Table(">L2 radius", ">certified accuracy");
        foreach (CertifiedAccuracy row in report.Accuracies)
            table.AddRow(
                string.Create(CultureInfo.InvariantCulture, $"{row.Radius:0.####}"),
                string.Create(CultureInfo.InvariantCulture, $"{row.Accuracy * 100:0.0} %")
            );
        output.Render(table);
        double largest =
            report.Sigma
            * NormalDistribution.Quantile(ClopperPearson.Lower(report.Samples, report.Samples, report.Alpha));
        output.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"It abstains on {report.Abstained} of {report.Count} images. Each proof holds with probability "
                    + $"{1 - report.Alpha}; {report.Samples:N0} votes prove a radius of {largest:0.00} at most."
            )
        );
        if (report.Note is { } note)
            output.Line($"note: {note}");
    }
}
