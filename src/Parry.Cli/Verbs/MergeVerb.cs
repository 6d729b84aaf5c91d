using System.CommandLine;
using Parry.Cli.Evaluating;
using Parry.Evaluation;

namespace Parry.Cli.Verbs;

/// <summary><c>parry merge</c>: makes the report of a plan whose shards were measured by several processes.</summary>
internal static class MergeVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The folder that the shards wrote to." };
        var partial = new Option<bool>("--partial")
        {
            Description = "Report what is there although something is missing, and say so on every page.",
        };
        Option<string?> dataDir = Arguments.DataDir();
        Option<bool> json = Arguments.Json();
        return new Command("merge", "Make the report of a plan that was run in shards; exit code 1 unless complete.")
        {
            folder,
            partial,
            dataDir,
            json,
        }.Does(
            (parsed, cancellation) =>
            {
                string path = parsed.GetRequiredValue(folder);
                if (!RecordFolder.IsOne(path))
                    throw new UserErrorException($"expected a folder in which a plan was run, got '{path}'");
                (EvaluateRequest request, _) = EvaluateVerb.Read(Path.Combine(path, RecordFolder.PlanFileName));
                request = request with { DataDir = parsed.GetValue(dataDir), Command = parsed.CommandText() };
                var mode = new EvaluateMode
                {
                    OnlyCollects = true,
                    Partial = parsed.GetValue(partial),
                    Json = parsed.GetValue(json),
                };
                RunFolder results = EvaluateOutput.Folder(path, fresh: false);
                return EvaluateOutput.Write(request, parsed, results, mode, cancellation);
            }
        );
    }
}
