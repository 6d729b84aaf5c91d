using System.CommandLine;
using System.Globalization;
using Parry.Cli.Measuring;
using Parry.Evaluation;
using Parry.Models;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry certify</c>: proves by randomized smoothing the radius within which each prediction cannot change, and thus
/// the accuracy that no attack within that radius can lower.
/// </summary>
internal sealed class CertifyVerb
{
    private readonly ModelOptions _model = new();
    private readonly DataOptions _data = new();
    private readonly Option<double> _sigma = Arguments.Positive(
        "--sigma",
        "Standard deviation of the noise, for pixels in [0, 1].",
        0.25
    );
    private readonly Option<int> _selection = Arguments.Number("--selection", "Votes that select the class.", 100, 1);
    private readonly Option<int> _samples = Arguments.Number(
        "--samples",
        "Votes that bound its probability; 100,000 in the paper.",
        1000,
        1
    );
    private readonly Option<double> _alpha = Arguments.Positive(
        "--alpha",
        "The probability that a certificate is wrong, for each image; below 0.5.",
        0.001
    );
    private readonly Option<string> _radii = new("--radii")
    {
        Description = "L2 radii at which to report the accuracy.",
        HelpName = "RADII",
        DefaultValueFactory = _ => "0,0.25,0.5,0.75,1",
    };
    private readonly Option<int> _count = Arguments.Count(100);
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly Option<bool> _json = Arguments.Json();

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new CertifyVerb();
        return new Command(
            "certify",
            "Prove by randomized smoothing that no perturbation within an L2 radius changes a classifier's prediction "
                + "under noise."
        )
        {
            verb._model,
            verb._data,
            verb._sigma,
            verb._selection,
            verb._samples,
            verb._alpha,
            verb._radii,
            verb._count,
            verb._seed,
            verb._json,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        double[] radii = [.. parsed.GetRequiredValue(_radii).Split(',').Select(Radius)];
        if (parsed.GetValue(_alpha) >= 0.5)
            throw new UserErrorException($"expected --alpha to be below 0.5, got {parsed.GetValue(_alpha)}");
        ModelRequest request = _model.Read(parsed);
        var (opened, set) = request.OpenWith(_data.Request(parsed), cancellation);
        using OpenedModel owned = opened;
        if (opened.Model is not IClassifier classifier)
            throw new UserErrorException($"expected a model with logits, got {request.Name}: give a model file");
        var (images, _, leftOut) = FiniteScores.Of(classifier, _data.LoadTest(parsed, set, _count));
        var run = new CertifyRun
        {
            Name = request.Name,
            Classifier = classifier,
            Images = images,
            Sigma = parsed.GetValue(_sigma),
            Selection = parsed.GetValue(_selection),
            Samples = parsed.GetValue(_samples),
            Alpha = parsed.GetValue(_alpha),
            Seed = parsed.GetValue(_seed),
        };
        CertifyReport report;
        using (ProgressLine line = ProgressLine.Of(parsed))
            report = run.Run(set.Name, radii, line, cancellation);
        if (leftOut is not null)
            report = report with { Note = $"{leftOut} {report.Note}".TrimEnd() };
        Output output = Output.Of(parsed);
        if (parsed.GetValue(_json))
            output.Json(report, CliJson.Default.CertifyReport);
        else
            Show(output, report);
        return 0;
    }

    private static double Radius(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double radius) && radius >= 0
            ? radius
            : throw new UserErrorException(
                $"expected --radii to be numbers of at least 0, such as 0,0.25,0.5, got \"{text}\""
            );

    private static void Show(Output output, CertifyReport report)
    {
        Table table = Output.Table(">L2 radius", ">certified accuracy");
        foreach (CertifiedAccuracy row in report.Accuracies)
            table.AddCells($"{row.Radius:0.####}", $"{row.Accuracy * 100:0.0} %");
        output.Render(table);
        output.Line(
            $"The smoothed classifier abstains on {report.Abstained} of {report.Count} images. Each certificate holds "
                + $"with probability {1 - report.Alpha}; {report.Samples:N0} votes certify a radius of at most "
                + $"{report.LargestRadius:0.00}."
        );
        if (report.Note is { } note)
            output.Notes([note]);
    }
}
