using System.CommandLine;
using Parry.Evaluation;
using Parry.Models.Http;
using Parry.Reports;
using Spectre.Console;

namespace Parry.Cli.Evaluating;

/// <summary>What <c>parry evaluate</c> and <c>parry demo</c> do with an evaluation.</summary>
internal static class EvaluateOutput
{
    /// <summary>
    /// The folder of an evaluation: a new one, or one in which an earlier run left records.
    /// </summary>
    /// <param name="path">The folder.</param>
    /// <param name="fresh">Whether the results of an earlier run are deleted instead.</param>
    /// <exception cref="UserErrorException">It holds another run, or cannot be made or written to.</exception>
    public static RunFolder Folder(string path, bool fresh) =>
        RunFolder.Begin(path, fresh || RecordFolder.IsOne(path), ReportFolder.FileNames);

    /// <summary>
    /// Evaluates, writes the report and prints its tables and path, or its JSON; also of what was finished when the
    /// evaluation failed or was stopped.
    /// </summary>
    /// <returns>The exit code.</returns>
    public static int Write(
        EvaluateRequest request,
        ParseResult parsed,
        RunFolder folder,
        bool fresh,
        bool json,
        CancellationToken cancellation
    )
    {
        var run = new EvaluateRun(request, folder.FullPath, fresh);
        var stopping = new Stopping();
        var failures = new List<Exception>();
        using (ProgressLine line = ProgressLine.Of(parsed))
        {
            try
            {
                var stages = new Stages(line);
                stopping.Do(() => run.Run(stages, cancellation), line, cancellation);
            }
            catch (OperationCanceledException e)
            {
                failures.Add(
                    run.Found is null
                        ? e
                        : new StoppedException(
                            "stopped before everything was measured; the same command goes on from here"
                        )
                );
            }

            if (run.TakenOver > 0)
                line.Say($"parry: {run.TakenOver} parts were taken over from an earlier run in '{folder.FullPath}'");
        }

        if (run.Found is var (report, failure))
        {
            if (failure is not null && failures.Count == 0)
                failures.Add(new EndpointException(failure));
            string? page = null;
            try
            {
                folder.Claim(ReportFolder.FileNames);
                page = ReportFolder.Write(report, folder.FullPath);
            }
            catch (Exception e) when (e is IOException or UserErrorException)
            {
                failures.Add(e);
            }

            Output output = Output.Of(parsed);
            if (json)
                output.Json(JsonReport.Render(report));
            else
                Show(output, report, page);
        }

        TextWriter error = parsed.InvocationConfiguration.Error;
        return stopping.End(failures.Select(failure => Errors.Report(failure, error)).DefaultIfEmpty(0).Max());
    }

    private static void Show(Output output, EvaluationReport report, string? page)
    {
        foreach (Table table in ResultTable.Of(report))
        {
            output.Render(table);
            output.Line();
        }

        output.Notes(ReportNotes.From(report));
        if (page is not null)
            output.Line($"Report: {page}");
    }

    private sealed class Stages(ProgressLine line) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) =>
            line.Show(() => $"{Percent(value.Share)} %  {value.Stage}  {line.TimeLeft(value.Share)}");

        private static string Percent(double share) => $"{share * 100:0}".PadLeft(3);
    }
}
