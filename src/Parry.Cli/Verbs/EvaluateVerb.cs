using System.CommandLine;
using System.Globalization;
using Parry.Catalogs;
using Parry.Cli.Evaluating;
using Parry.Defenses;
using Parry.Evaluation;
using Parry.Models.Http;
using Parry.Reports;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry evaluate</c>: attacks crossed with defenses, each defense against both attackers, and a report.
/// </summary>
internal static class EvaluateVerb
{
    public static Command Create()
    {
        var model = new ModelOptions();
        var data = new DataOptions();
        var attacks = new Option<string[]>("--attacks")
        {
            Description =
                $"Attacks, each as NAME or NAME:key=value,…; names: "
                + $"{string.Join(", ", AttackCatalog.All.Select(entry => entry.Name))}.",
            HelpName = "ATTACK",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
        };
        var defenses = new Option<string[]>("--defenses")
        {
            Description =
                $"Defenses, each as NAME or NAME:key=value,…; names: {string.Join(", ", DefenseCatalog.Names)}. No "
                + $"defense is always measured too.",
            HelpName = "DEFENSE",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var from = new Option<string?>("--from")
        {
            Description = "A substitute: images for the bare classifier are crafted on it and transferred.",
            HelpName = "MODEL",
        };
        Option<int> count = Arguments.Count(200);
        var validation = new Option<bool>("--validation")
        {
            Description = "Use validation images (the last 10,000 for training), as for choosing settings.",
        };
        var revisited = new Option<bool>("--revisited")
        {
            Description =
                "Attack each random defense also as one who knows the defender's random seed: the white box revisited.",
        };
        var noBreaks = new Option<bool>("--no-known-breaks")
        {
            Description =
                "Leave out the attacks known to break the defenses, which can take as long as all others; the "
                + "report says so.",
        };
        Option<long?> queries = Arguments.MaxQueries(),
            gradients = Arguments.MaxGradients();
        Option<long> seed = Arguments.Seed();
        var output = new Option<string>("--out")
        {
            Description = "The folder for report.json, report.md and index.html.",
            HelpName = "DIR",
            Required = true,
        };
        Option<bool> json = Arguments.Json();
        return new Command(
            "evaluate",
            "Attack a classifier bare and defended, by attackers who know the defense and who do not, and write a "
                + "report."
        )
        {
            model,
            data,
            attacks,
            defenses,
            from,
            count,
            validation,
            revisited,
            noBreaks,
            queries,
            gradients,
            seed,
            output,
            json,
        }.Does(
            (parsed, cancellation) =>
            {
                var request = new EvaluateRequest
                {
                    Model = model.Read(parsed),
                    Data = data.Text(parsed),
                    Attribute = data.Attribute(parsed),
                    DataDir = data.Folder(parsed),
                    Attacks = parsed.GetRequiredValue(attacks),
                    Defenses = parsed.GetRequiredValue(defenses),
                    From = parsed.GetValue(from),
                    Count = parsed.GetValue(count),
                    OrFewer = parsed.IsDefault(count),
                    Validation = parsed.GetValue(validation),
                    KnownBreaks = !parsed.GetValue(noBreaks),
                    Revisited = parsed.GetValue(revisited),
                    Limits = parsed.Limits(queries, gradients),
                    Seed = parsed.GetValue(seed),
                    Command = parsed.CommandText(),
                };
                return Evaluate(request, parsed, parsed.GetRequiredValue(output), parsed.GetValue(json), cancellation);
            }
        );
    }

    /// <summary>Evaluates, writes the report and prints its tables and path, or its JSON.</summary>
    public static int Evaluate(
        EvaluateRequest request,
        ParseResult parsed,
        string folder,
        bool json,
        CancellationToken cancellation
    )
    {
        ReportFolder.CheckWritable(folder);
        EvaluationReport report;
        string? failure;
        using (ProgressLine line = ProgressLine.Of(parsed))
        {
            (report, failure) = EvaluateRun.Run(request, new Stages(line), cancellation);
        }

        string page = ReportFolder.Write(report, folder);
        Output output = Output.Of(parsed);
        if (json)
        {
            output.Line(JsonReport.Render(report));
        }
        else
        {
            foreach (Table table in ResultTable.Of(report))
            {
                output.Render(table);
                output.Line();
            }

            foreach (string note in ReportNotes.From(report))
                output.Line($"note: {note}");
            output.Line($"Report: {page}");
        }

        return failure is null
            ? 0
            : Errors.Report(new EndpointException(failure), parsed.InvocationConfiguration.Error);
    }

    private sealed class Stages(ProgressLine line) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) =>
            line.Show(() =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{value.Share * 100, 3:0} %  {value.Stage}  {line.TimeLeft(value.Share)}"
                )
            );
    }
}
