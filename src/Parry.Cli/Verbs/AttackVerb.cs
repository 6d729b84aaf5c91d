using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using Parry.Attacks.Catalog;
using Parry.Cli.Attacking;
using Parry.Data;
using Parry.Models;
using Parry.Models.Http;
using Parry.Reports;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry attack</c>: attacks on one classifier, with their strength and cost.</summary>
internal static class AttackVerb
{
    /// <summary>What <c>--json</c> writes. Of a model behind an address also what it was asked, and why it failed if it did: then rows are missing.</summary>
    internal sealed record AttackReport(string Model, string Data, IReadOnlyList<AttackRow> Rows,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] EndpointUse? Endpoint = null, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Failure = null);

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Option<string> model = Arguments.Model(), data = Arguments.Data();
        Option<string?> dataDir = Arguments.DataDir(), http = Arguments.Http();
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
        var output = new Option<string?>("--out") { Description = "A folder for the adversarial images, as PNG named NUMBER-TRUE-PREDICTED.", HelpName = "DIR" };
        Option<bool> json = Arguments.Json();
        return new Command("attack", "Attack a classifier and say how well it withstood; `attack list` shows all attacks.")
        {
            AttackListVerb.Create(), model, http, data, dataDir, attacks, count, queries, gradients, seed, output, json,
        }.Does((parsed, cancellation) =>
        {
            AttackSpec[] specs = [.. parsed.GetRequiredValue(attacks).Select(AttackCatalog.Parse)];
            string name = parsed.GetRequiredValue(model);
            HttpSettings? settings = parsed.Http(http, name);
            Endpoints.Check(specs, name, settings, "Or craft images on a model of your own: `parry evaluate` with --from");
            DataSet set = parsed.DataSet(data);
            ImageSet images = set.Load(DataPart.Test, Split.DefenseGan, parsed.GetValue(dataDir)).Take(parsed.GetValue(count));
            string? folder = parsed.GetValue(output);
            if (folder is not null) ReportFolder.CheckWritable(folder);
            using OpenedModel opened = ModelCatalog.Open(name, set.Shape, set.ClassNames.Count, new InputContract { ClassNames = set.ClassNames }, settings, cancellation);
            var run = new AttackRun
            {
                Model = opened.Model,
                Images = images,
                TrainingImages = () => set.Load(DataPart.Train, Split.DefenseGan, parsed.GetValue(dataDir)),
                Seed = parsed.GetValue(seed),
                Limits = parsed.Limits(queries, gradients),
                Folder = folder,
            };
            var rows = new List<(AttackSpec Attack, AttackRow Row)>();
            EndpointException? failure = null;
            using (ProgressLine line = ProgressLine.Of(parsed))
            {
                try
                {
                    foreach (AttackSpec attack in specs) rows.AddRange(run.Run(attack, new Shares(line, attack.Name), cancellation).Select(row => (attack, row)));
                }
                catch (EndpointException e) when (rows.Count > 0)
                {
                    // The rows of the attacks that had ended stand.
                    failure = e;
                }
            }

            Output shown = Output.Of(parsed);
            EndpointUse? use = (opened.Model as HttpModel)?.Use;
            if (parsed.GetValue(json))
            {
                shown.Json(new AttackReport(name, set.Name, [.. rows.Select(row => row.Row)], use, failure?.Message), CliJson.Default.AttackReport);
            }
            else
            {
                shown.Render(TableOf(rows));
                if (folder is not null) shown.Line($"Images: {folder}");
                if (use is not null) shown.Line($"{name}: {use}");
            }

            return failure is null ? 0 : Errors.Report(failure, parsed.InvocationConfiguration.Error);
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

    private sealed class Shares(ProgressLine line, string name) : IProgress<double>
    {
        public void Report(double value) => line.Show(() => Text($"{name}: {value * 100:0} %  {line.TimeLeft(value)}"));
    }
}
