using System.CommandLine;
using System.Globalization;
using Parry.Cli.Measuring;
using Parry.Data;
using Parry.Defenses;
using Parry.Defenses.Breaks;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry pairs</c>: near images of a generator that a classifier separates.</summary>
internal sealed class PairsVerb
{
    private readonly Option<string> _model = new("--model")
    {
        Description = "The classifier: a file or the name of a model that ships.",
        HelpName = "MODEL",
        Required = true,
    };
    private readonly Option<string?> _trained = new("--trained")
    {
        Description = "Another classifier, such as one trained with --robust-manifold, to compare on the same pairs.",
        HelpName = "MODEL",
    };
    private readonly Option<string> _generator = new("--generator")
    {
        Description = "What draws the images: a generator or a variational auto-encoder, its file or name.",
        HelpName = "GENERATOR",
        Required = true,
    };
    private readonly DataOptions _data = new();
    private readonly Option<double> _within = Arguments.Positive(
        "--within",
        "The largest L2 distance of a pair.",
        PairSearch.DefaultDistance
    );
    private readonly Option<int> _count = Arguments.Number("--count", "Searches against each classifier.", 100, 1);
    private readonly Option<int> _steps = Arguments.Number("--steps", "Steps of a search.", PairSearch.DefaultSteps, 1);
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly Option<string> _folder = new("--out")
    {
        Description = "The folder for the pictures (pairs.png) and the numbers (pairs.json).",
        HelpName = "DIR",
        Required = true,
    };
    private readonly Option<bool> _overwrite = Arguments.Overwrite();

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new PairsVerb();
        return new Command(
            "pairs",
            "Find images that a generator draws close to each other and a classifier assigns to different classes."
        )
        {
            verb._model,
            verb._trained,
            verb._generator,
            verb._data,
            verb._within,
            verb._count,
            verb._steps,
            verb._seed,
            verb._folder,
            verb._overwrite,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        string folder = parsed.GetRequiredValue(_folder);
        string generator = parsed.GetRequiredValue(_generator);
        string first = parsed.GetRequiredValue(_model);
        string[] models = parsed.GetValue(_trained) is { } trained ? [first, trained] : [first];
        IImageSource set = _data.Open(parsed, first);
        using var context = new DefenseContext(set.Name, set.Shape, set.ClassNames.Count);
        var run = new PairsRun
        {
            Search = new PairSearch(context.LatentModel(generator))
            {
                Distance = parsed.GetValue(_within),
                Steps = parsed.GetValue(_steps),
            },
            GeneratorName = generator,
            Classifiers = [.. models.Select(name => (name, context.Classifier(name)))],
            ClassNames = set.ClassNames,
            Count = parsed.GetValue(_count),
            Seed = parsed.GetValue(_seed),
        };
        RunFolder results = RunFolder.Begin(folder, parsed.GetValue(_overwrite), PairsRun.Numbers, PairsRun.Sheet);
        PairsReport report;
        using (ProgressLine line = ProgressLine.Of(parsed))
            report = run.Run(results, line, cancellation);
        Show(Output.Of(parsed), report, folder);
        return 0;
    }

    private static void Show(Output output, PairsReport report, string folder)
    {
        Table table = Output.Table(["classifier", ">pairs found", ">separated of the first's"]);
        foreach (PairCounts counts in report.Classifiers)
            table.AddCells(
                counts.Model,
                Counted($"{counts.Found} of {report.Searched}"),
                Counted($"{counts.Separated} of {report.Pairs.Count}")
            );
        output.Render(table);
        if (report.Pairs.Count == 0)
        {
            output.Line(Counted($"{folder}: no pair within L2 {report.Within} was found"));
            return;
        }

        double nearest = report.Pairs.Min(pair => pair.Distance);
        double farthest = report.Pairs.Max(pair => pair.Distance);
        output.Line(Counted($"{folder}: pairs at L2 {nearest:0.00} to {farthest:0.00}, with the classifiers' answers"));
    }

    private static string Counted(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
