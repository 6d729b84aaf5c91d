using System.CommandLine;
using System.Globalization;
using Parry.Attacks.Catalog;
using Parry.Cli.Attacking;
using Parry.Data;
using Parry.Models;
using Parry.Reports;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry attack</c>: attacks on one classifier, with their strength and cost.</summary>
internal static class AttackVerb
{
    /// <summary>What <c>--json</c> writes.</summary>
    internal sealed record AttackReport(string Model, string Data, IReadOnlyList<AttackRow> Rows, string? Note = null);

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Option<string> model = Arguments.Model();
        var data = new DataOptions(required: false);
        var photos = new PhotoOptions();
        var attacks = new Option<string[]>("--attack")
        {
            Description = "An attack as NAME or NAME:key=value,…; `parry attack list` has the names. May be given several times.",
            HelpName = "ATTACK",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
        };
        Option<int> count = Arguments.Count(200);
        Option<long?> queries = Arguments.MaxQueries(), gradients = Arguments.MaxGradients();
        Option<long> seed = Arguments.Seed();
        var output = new Option<string?>("--out") { Description = "A folder for the adversarial images, as PNG named NUMBER-TRUE-PREDICTED; with --image for strip.png and index.html, out/attack if not given.", HelpName = "DIR" };
        Option<bool> json = Arguments.Json();
        return new Command("attack", "Attack a classifier and say how well it withstood; `attack list` shows all attacks.")
        {
            AttackListVerb.Create(), model, data, photos.Image, photos.Label, attacks, count, queries, gradients, seed, output, json,
        }.Does((parsed, cancellation) =>
        {
            AttackSpec[] specs = [.. parsed.GetRequiredValue(attacks).Select(AttackCatalog.Parse)];
            string name = parsed.GetRequiredValue(model);
            if (photos.AreGiven(parsed, data))
                return photos.Run(parsed, name, specs, parsed.GetValue(seed), parsed.Limits(queries, gradients), parsed.GetValue(output), parsed.GetValue(json), cancellation);
            IImageSource set = data.Open(parsed, name);
            ImageSet images = set.Load(DataPart.Test, Split.DefenseGan, data.Folder(parsed), parsed.GetValue(count));
            string? folder = parsed.GetValue(output);
            if (folder is not null) ReportFolder.CheckWritable(folder);
            IClassifier classifier = ModelCatalog.LoadClassifier(name, set.Shape, set.ClassNames.Count).Classifier;
            using var owned = classifier as IDisposable;
            var run = new AttackRun
            {
                Model = classifier,
                Images = images,
                TrainingImages = () => set.Load(DataPart.Train, Split.DefenseGan, data.Folder(parsed)),
                Seed = parsed.GetValue(seed),
                Limits = parsed.Limits(queries, gradients),
                Folder = folder,
            };
            var rows = new List<(AttackSpec Attack, AttackRow Row)>();
            using (ProgressLine line = ProgressLine.Of(parsed))
            {
                foreach (AttackSpec attack in specs) rows.AddRange(run.Run(attack, new Shares(line, attack.Name), cancellation).Select(row => (attack, row)));
            }

            Output shown = Output.Of(parsed);
            if (parsed.GetValue(json))
            {
                shown.Json(new AttackReport(name, set.Name, [.. rows.Select(row => row.Row)], images.Note), CliJson.Default.AttackReport);
                return 0;
            }

            shown.Render(TableOf(rows));
            if (images.Note is { } note) shown.Line($"note: {note}");
            if (folder is not null) shown.Line($"Images: {folder}");
            return 0;
        });
    }

    private static Table TableOf(List<(AttackSpec Attack, AttackRow Row)> rows)
    {
        Table table = Output.Table("attack", "budget", ">robust", ">success", ">median distance", ">after rounding to 8 bits", ">queries", ">gradients", ">seconds");
        foreach (var (attack, row) in rows)
        {
            table.AddRow(new[]
            {
                attack.TextWithoutBudgets,
                row.Epsilon is { } epsilon ? Text($"{row.Norm} {epsilon:0.####}") : $"{row.Norm} smallest",
                Text($"{row.RobustAccuracy * 100:0.0} % ({row.RobustCorrect}/{row.Count})"),
                Text($"{row.Succeeded}/{row.Attacked}"),
                row.MedianDistance is { } distance ? Text($"{distance:0.####}") : "infinite",
                Text($"{row.SurviveRounding}/{row.Succeeded}"),
                Text($"{row.Queries:0.#}"),
                Text($"{row.Gradients:0.#}"),
                Text($"{row.Seconds:0.0}"),
            }.Select(Markup.Escape).ToArray());
        }

        return table;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
