using System.CommandLine;
using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Models;
using Parry.Reports;
using Spectre.Console;

namespace Parry.Cli.Attacking;

/// <summary><c>--image</c> and <c>--label</c> of <c>parry attack</c>: single photos in place of a data set.</summary>
internal sealed class PhotoOptions
{
    private const string DefaultFolder = "out/attack";

    /// <summary>The photos.</summary>
    public Option<string[]> Image { get; } =
        new("--image")
        {
            Description =
                "A photo to attack in place of --data, PNG or JPEG; resized and cut to what the model takes. May be "
                + "given several times.",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
        };

    /// <summary>Their classes.</summary>
    public Option<string[]> Label { get; } =
        new("--label")
        {
            Description =
                "The photo's class, a name or a number, which the attack leads away from: one for each --image or "
                + "one for all; the model's own answer if not given.",
            HelpName = "CLASS",
            AllowMultipleArgumentsPerToken = true,
        };

    /// <summary>Whether photos were given, and nothing that goes against it.</summary>
    /// <exception cref="UserErrorException">A data set was given too, or labels without photos.</exception>
    public bool AreGiven(ParseResult parsed, DataOptions data)
    {
        bool given = parsed.GetValue(Image) is { Length: > 0 };
        if (given && data.IsGiven(parsed))
            throw new UserErrorException("expected --data or --image, got both: give one of them");
        if (!given && parsed.GetValue(Label) is { Length: > 0 })
            throw new UserErrorException("expected --label only beside --image: data sets have their own labels");
        return given;
    }

    /// <summary>Attacks the photos, says what the model made of them, and writes the strip and the page.</summary>
    public int Run(
        ParseResult parsed,
        ModelRequest request,
        AttackSpec[] attacks,
        long seed,
        AttackLimits? limits,
        string? folder,
        bool json,
        CancellationToken cancellation
    )
    {
        string[] files = parsed.GetRequiredValue(Image),
            labels = parsed.GetValue(Label) ?? [];
        folder ??= DefaultFolder;
        ReportFolder.CheckWritable(folder);
        using OpenedModel opened = request.Open(cancellation);
        IReadOnlyList<string> classes = request.ClassNames(opened);
        var run = new PhotoRun
        {
            Model = opened.Model,
            Photos = Photos.Load(files, labels, opened.Model.Shape, classes),
            Files = files,
            Labeled = labels.Length > 0,
            Seed = seed,
            Limits = limits,
        };
        PhotoReport report;
        using (ProgressLine line = ProgressLine.Of(parsed))
            report = run.Run(request.Name, attacks, attack => new Shares(line, attack.Name), cancellation);
        report = report with { Files = PhotoPage.Write(report, folder) };
        Output output = Output.Of(parsed);
        if (json)
            output.Json(report, CliJson.Default.PhotoReport);
        else
            Show(output, report);
        return 0;
    }

    private static void Show(Output output, PhotoReport report)
    {
        foreach (AttackedPhoto photo in report.Photos)
        {
            output.Line($"{photo.File}{(photo.Given ? $", labeled {photo.LabelName}" : "")}");
            foreach (IGrouping<string, PhotoAttack> attack in photo.Attacks.GroupBy(row => row.Attack))
            {
                Table table = Output.Table([
                    "",
                    "before",
                    .. attack.Select(row => $"{row.Attack}, {ReportText.Budget(row.Norm, row.Epsilon)}"),
                ]);
                for (int place = 0; place < photo.Before.Count; place++)
                    table.AddRow(
                        new[] { $"{place + 1}", ReportText.Likely(photo.Before[place]) }
                            .Concat(
                                attack.Select(row =>
                                    row.Attacked ? ReportText.Likely(row.After[place])
                                    : place == 0 ? "not attacked"
                                    : ""
                                )
                            )
                            .Select(Markup.Escape)
                            .ToArray()
                    );
                output.Render(table);
            }
        }

        if (report.Right is { } right)
            output.Line($"before: {right} of {report.Photos.Count} answers right");
        foreach (ChangedAnswers changed in report.Changed)
            output.Line(
                $"{changed.Attack}, {ReportText.Budget(changed.Norm, changed.Epsilon)}: {changed.Changed} of "
                    + $"{changed.Attacked} answers changed"
            );
        if (report.Note is { } note)
            output.Line($"note: {note}");
        output.Line($"Pictures: {string.Join(", ", report.Files)}");
    }
}
