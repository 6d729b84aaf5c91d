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
    /// evaluation failed or was stopped. A shard has no report.
    /// </summary>
    /// <returns>The exit code.</returns>
    public static int Write(
        EvaluateRequest request,
        ParseResult parsed,
        RunFolder folder,
        EvaluateMode mode,
        CancellationToken cancellation
    )
    {
        CancellationToken pause = Pausing.Begin();
        var run = new EvaluateRun(request, folder.FullPath, mode) { Pause = pause };
        var stopping = new Stopping();
        var failures = new List<Exception>();
        bool paused = false;
        using (ProgressLine line = ProgressLine.Of(parsed))
        {
            try
            {
                var stages = new Stages(line);
                stopping.Do(() => run.Run(stages, cancellation), line, cancellation);
            }
            catch (OperationCanceledException e)
            {
                paused = pause.IsCancellationRequested && !cancellation.IsCancellationRequested;
                failures.Add(
                    run.Found is null && !paused
                        ? e
                        : new StoppedException(
                            "stopped before everything was measured; the same command goes on from here"
                        )
                );
            }

            if (mode.OnlyCollects && run.Foreign is { Count: > 0 } foreign)
                line.Say(
                    $"parry: {foreign.Count} files in '{folder.FullPath}' belong to no part of this plan and were left "
                        + $"out, such as {foreign[0]}"
                );
            if (run.TakenOver > 0 && !mode.OnlyCollects)
                line.Say($"parry: {run.TakenOver} parts were taken over from an earlier run in '{folder.FullPath}'");
        }

        Output output = Output.Of(parsed);
        bool isComplete = failures.Count > 0 || run.Missing.Count == 0;
        if (mode.OnlyCollects && !isComplete)
            failures.Add(new IncompleteException(folder.FullPath, run.Missing));
        if (run.Found is var (report, failure))
        {
            if (failure is not null && failures.Count == 0)
                failures.Add(new EndpointException(failure));
            if (mode.OnlyPrepares)
                ShowPrepared(output, folder, failures.Count == 0);
            else if (mode.Shard is { } shard)
                ShowShard(output, shard, folder, failures.Count == 0);
            else if (!mode.OnlyCollects || isComplete || mode.Partial)
                Report(output, isComplete ? report : Incomplete(report, run.Missing), folder, mode.Json, failures);
        }

        TextWriter error = parsed.InvocationConfiguration.Error;
        int code = failures.Select(failure => Errors.Report(failure, error)).DefaultIfEmpty(0).Max();
        return stopping.End(paused ? Pausing.ExitCode : code);
    }

    private static void Report(
        Output output,
        EvaluationReport report,
        RunFolder folder,
        bool json,
        List<Exception> failures
    )
    {
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

        if (json)
            output.Json(JsonReport.Render(report));
        else
            Show(output, report, page);
    }

    private static EvaluationReport Incomplete(EvaluationReport report, IReadOnlyList<string> missing) =>
        report with
        {
            Title = $"Incomplete: {report.Title}",
            Notes = [$"This report is incomplete: {IncompleteException.Listed(missing)}.", .. report.Notes],
        };

    private static void ShowShard(Output output, Shard shard, RunFolder folder, bool done)
    {
        if (done)
            output.Line($"{shard} is measured. When all are, make the report: parry merge {folder.FullPath}");
    }

    private static void ShowPrepared(Output output, RunFolder folder, bool done)
    {
        if (done)
            output.Line($"What the attacks must learn is in {folder.FullPath}, for all shards.");
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
