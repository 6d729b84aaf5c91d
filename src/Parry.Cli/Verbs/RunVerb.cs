using System.CommandLine;
using Parry.Attacks;
using Parry.Catalogs;
using Parry.Cli.Evaluating;
using Parry.Evaluation;
using Parry.Models;
using Parry.Runtime;

namespace Parry.Cli.Verbs;

/// <summary><c>parry run</c>: evaluates a plan from a file, whole or one shard of it.</summary>
internal sealed class RunVerb
{
    private readonly Argument<string> _plan = new("PLAN")
    {
        Description = "A plan, as parry evaluate --print-plan writes it. Paths in it are relative to this folder.",
    };
    private readonly Option<string> _folder = new("--out")
    {
        Description = "The folder for the results. A run of the same plan goes on where an earlier one ended.",
        HelpName = "DIR",
        Required = true,
    };
    private readonly Option<string?> _shard = new("--shard")
    {
        Description =
            "Measure a share of the images, such as 3/8, and leave the report to parry merge. By default the task of a "
            + "Slurm array or of a Kubernetes indexed job (there PARRY_SHARDS says how many).",
        HelpName = "I/N",
    };
    private readonly Option<bool> _prepare = new("--prepare")
    {
        Description =
            "Only have those attacks learn that must, such as advgan, and keep that in the folder for all shards. "
            + "Otherwise the first shard that comes to an attack does it.",
    };
    private readonly Option<int?> _sbatch = Arguments.Optional<int>(
        "--print-sbatch",
        "Print a Slurm job array of this many tasks instead of running; a few images are measured for its time limit."
    );
    private readonly Option<int?> _k8s = Arguments.Optional<int>(
        "--print-k8s",
        "Print a Kubernetes indexed job of this many pods instead of running."
    );
    private readonly Option<string?> _dataDir = Arguments.DataDir();
    private readonly Option<bool> _fresh = Arguments.Fresh();
    private readonly Option<bool> _json = Arguments.Json();

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new RunVerb();
        return new Command(
            "run",
            "Evaluate a plan from a file, or one shard of it; a run that was stopped goes on where it ended."
        )
        {
            verb._plan,
            verb._folder,
            verb._shard,
            verb._prepare,
            verb._sbatch,
            verb._k8s,
            verb._dataDir,
            verb._fresh,
            verb._json,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        string folder = parsed.GetRequiredValue(_folder);
        string plan = parsed.GetRequiredValue(_plan);
        (EvaluateRequest request, string text) = EvaluateVerb.Read(plan);
        request = request with { DataDir = parsed.GetValue(_dataDir), Command = parsed.CommandText() };
        if (parsed.GetValue(_sbatch) is { } tasks)
        {
            TimeSpan limit = TimeEstimate.OfShard(request, tasks, cancellation);
            Output.Of(parsed).Document(Job(plan, request, folder, tasks, limit).Slurm());
            return 0;
        }

        if (parsed.GetValue(_k8s) is { } pods)
        {
            Output.Of(parsed).Document(Job(plan, request, folder, pods, TimeSpan.Zero).Kubernetes());
            return 0;
        }

        var mode = new EvaluateMode
        {
            Fresh = parsed.GetValue(_fresh),
            Json = parsed.GetValue(_json),
            Plan = text,
            OnlyPrepares = parsed.GetValue(_prepare),
            Shard = parsed.GetValue(_shard) is { } given
                ? Shard.Parse(given)
                : Shard.OfEnvironment(Environment.GetEnvironmentVariable),
        };
        RunFolder results = EvaluateOutput.Folder(folder, mode.Fresh);
        return EvaluateOutput.Write(request, parsed, results, mode, cancellation);
    }

    private static JobFile Job(string plan, EvaluateRequest request, string folder, int shards, TimeSpan limit) =>
        new(
            Arguments.Quote(plan),
            Arguments.Quote(folder),
            shards,
            Workers.Shared.Count,
            limit,
            Learns: request.Attacks.Any(attack => AttackCatalog.Parse(attack).Attack is ITrainedAttack<IClassifier>)
        );
}
