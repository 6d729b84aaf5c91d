using System.CommandLine;
using Parry.Evaluation;
using Parry.Models.Http;
using Parry.Reports;
using Spectre.Console;

namespace Parry.Cli.Evaluating;

/// <summary>What <c>parry evaluate</c> and <c>parry demo</c> do with an evaluation.</summary>
internal static class EvaluateOutput
{
    /// <summary>Evaluates, writes the report and prints its tables and path, or its JSON.</summary>
    /// <returns>The exit code.</returns>
    public static int Write(
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
            (report, failure) = EvaluateRun.Run(request, new Stages(line), cancellation);
        string page = ReportFolder.Write(report, folder);
        Output output = Output.Of(parsed);
        if (json)
            output.Line(JsonReport.Render(report));
        else
            Show(output, report, page);
        return failure is null
            ? 0
            : Errors.Report(new EndpointException(failure), parsed.InvocationConfiguration.Error);
    }

    private static void Show(Output output, EvaluationReport report, string page)
    {
        foreach (Table table in ResultTable.Of(report))
        {
            output.Render(table);
            output.Line();
        }

        output.Notes(ReportNotes.From(report));
        output.Line($"Report: {page}");
    }

    private sealed class Stages(ProgressLine line) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) =>
            line.Show(() => $"{Percent(value.Share)} %  {value.Stage}  {line.TimeLeft(value.Share)}");

        private static string Percent(double share) => $"{share * 100:0}".PadLeft(3);
    }
}
