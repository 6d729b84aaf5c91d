using System.CommandLine;
using Parry.Attacks;
using Parry.Catalogs;
using Parry.Cli.Measuring;
using Parry.Data;
using Parry.Defenses;
using Parry.Evaluation;
using Parry.Evaluation.Verification;
using Parry.Models;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry verify</c>: checks adversarial images that any tool made: their budget, their box, and whether they fool a
/// model, bare or behind a defense.
/// </summary>
internal sealed class VerifyVerb
{
    private readonly ModelOptions _model = new();
    private readonly Option<string> _images = new("--images")
    {
        Description =
            "The adversarial images: a folder of pictures or .npy arrays, each named after its original or beginning "
            + "with its position (00012.png), or one .npy array of all.",
        HelpName = "PATH",
        Required = true,
    };
    private readonly DataOptions _originals = new(
        required: true,
        name: "--originals",
        what: "The originals: the test images of"
    );
    private readonly Option<string?> _defense = new("--defense")
    {
        Description = $"A defense as NAME or NAME:key=value,…; names: {string.Join(", ", DefenseCatalog.Names)}.",
        HelpName = "DEFENSE",
    };
    private readonly Option<string> _norm = new("--norm")
    {
        Description = "The norm of the budget.",
        HelpName = "linf|l2|l1|l0",
        DefaultValueFactory = _ => Norm.Linf.Name(),
    };
    private readonly Option<string?> _epsilon = new("--eps")
    {
        Description = "The largest change that is allowed, for values in [0, 1], such as 0.3 or 8/255.",
        HelpName = "N",
    };
    private readonly Option<string> _drawRule = Arguments.DrawRule();
    private readonly Option<long> _seed = Arguments.Seed();
    private readonly Option<bool> _json = Arguments.Json();

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new VerifyVerb();
        return new Command(
            "verify",
            "Check adversarial images that any tool made: their budget, their values, and whether they fool a model, "
                + "bare or behind a defense. Exits with 1 if some are outside."
        )
        {
            verb._model,
            verb._images,
            verb._originals,
            verb._defense,
            verb._norm,
            verb._epsilon,
            verb._drawRule,
            verb._seed,
            verb._json,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        string word = parsed.GetRequiredValue(_norm);
        Norm norm =
            Norms.Named(word)
            ?? throw new UserErrorException($"expected --norm to be linf, l2, l1 or l0, got \"{word}\"");
        double? epsilon = parsed.GetValue(_epsilon) is { } text ? Arguments.Budget("--eps", text) : null;
        var rule = DrawRule.Parse(parsed.GetRequiredValue(_drawRule));
        ModelRequest request = _model.Read(parsed);
        var (opened, set) = request.OpenWith(_originals.Request(parsed), cancellation);
        using var context = new DefenseContext(set.Name, set.Shape, set.ClassNames.Count)
        {
            DataDir = _originals.Folder(parsed),
            Source = set,
        };
        IPredictor model = context.Own(opened).Model;
        if (model is IClassifier classifier)
            context.Evaluated = classifier;
        string? defense = parsed.GetValue(_defense);
        DefenseSpec? spec = defense is null ? null : DefenseCatalog.Parse(defense, context);
        ImageSet originals = _originals.Load(parsed, set, DataPart.Test);
        var handedIn = HandedInImages.Find(parsed.GetRequiredValue(_images), originals);
        var verifier = new Verifier
        {
            Model = model,
            Defense = spec,
            Originals = originals,
            Norm = norm,
            Epsilon = epsilon,
            Seed = parsed.GetValue(_seed),
            DrawRule = rule,
        };
        IReadOnlyList<VerifiedImage> verified;
        using (ProgressLine line = ProgressLine.Of(parsed))
            verified = verifier.Check(handedIn.Images, new ShareProgress(line, "verify"), cancellation);
        VerifyReport report = Report(request.Name, defense, verifier, verified, handedIn.Note);
        Output output = Output.Of(parsed);
        if (parsed.GetValue(_json))
            output.Json(report, CliJson.Default.VerifyReport);
        else
            Show(output, report);
        return report.AllCount ? 0 : 1;
    }

    private static VerifyReport Report(
        string model,
        string? defense,
        Verifier verifier,
        IReadOnlyList<VerifiedImage> images,
        string? note
    )
    {
        int Count(Func<VerifiedImage, bool> which) => images.Count(which);
        int byRounding = Count(image => image.Budget == BudgetCheck.OverByRounding);
        string? rounding =
            byRounding == 0
                ? null
                : $"{byRounding} of {images.Count} images are over the budget by no more than half a level of their "
                    + "files (1/510 with 8 bits), as rounding leaves them; they count as within it";
        string? bytes =
            Count(image => image.Change.Linf > 2) > images.Count / 2
                ? "most images hold values far above 1, as bytes saved as numbers do: divide them by 255"
                : null;
        string? rule = verifier.Defense is { IsRandom: true } ? $"random defense: {verifier.DrawRule}" : null;
        return new VerifyReport(
            model,
            defense,
            verifier.Originals.Name,
            verifier.Norm,
            verifier.Epsilon,
            images.Count,
            OutsideBox: Count(image => !image.InBox),
            OverBudget: Count(image => image.Budget == BudgetCheck.Over),
            OverByRounding: byRounding,
            CleanWrong: Count(image => !image.CleanCorrect),
            Refused: Count(image => image.Refused),
            Succeeded: Count(image => image.Succeeds),
            SurviveRounding: Count(image => image.Succeeds && image.SucceedsRounded),
            LargestChange: images.Max(image => image.Change.In(verifier.Norm)),
            verifier.Seed,
            images,
            [.. new[] { verifier.Originals.Note, note, rounding, bytes, rule }.OfType<string>()]
        );
    }

    private static void Show(Output output, VerifyReport report)
    {
        string norm = report.Norm.Name();
        Table table = Output.Table("", ">images");
        table.AddCells("handed in", $"{report.Count}");
        table.AddCells("the original is already wrong", $"{report.CleanWrong}");
        table.AddCells("values outside [0, 1]", $"{report.OutsideBox}");
        if (report.Epsilon is { } budget)
            table.AddCells($"over {norm} {budget:0.######}", $"{report.OverBudget}");
        if (report.Defense is not null)
            table.AddCells("refused by a detector", $"{report.Refused}");
        table.AddCells("succeed", $"{report.Succeeded}");
        table.AddCells("succeed, rounded to 8 bits", $"{report.SurviveRounding}");
        output.Render(table);
        output.Line($"The largest change is {norm} {report.LargestChange:0.######}.");
        output.Notes(report.Notes);
        string[] outside =
        [
            .. report
                .Images.Where(image => !image.IsValid)
                .Select(image => $"{image.Name} ({norm} {image.Change.In(report.Norm):0.######})"),
        ];
        const int shown = 5;
        if (outside.Length > 0)
            output.Line(
                $"Do not count: {string.Join(", ", outside.Take(shown))}"
                    + (outside.Length > shown ? $" and {outside.Length - shown} more" : "")
            );
    }
}
