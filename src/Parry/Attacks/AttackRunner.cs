using System.Diagnostics;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// Runs an attack on all workers and keeps the contract around it: images that reach the goal by themselves are left
/// alone, a failure returns the clean image, results stay in the box and the budget, the model is in evaluation mode
/// meanwhile, and every pass is metered.
/// </summary>
public static class AttackRunner
{
    private const int RowsOnProcessor = 128;

    // Training images are other samples than those that are attacked, so a randomized defense draws for them apart.
    internal const long FirstTrainingSample = 1L << 32;

    /// <summary>Runs an attack, a budget attack at its own budget.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it attacks.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="goal">What is wanted of each image.</param>
    /// <param name="seed">Decides every random draw.</param>
    /// <exception cref="UserErrorException">The images do not fit the model, or hold something else than numbers in [0,
    /// 1].</exception>
    public static AttackResult Run<TModel>(IAttack<TModel> attack, TModel model, Tensor images, Goal goal, long seed)
        where TModel : IPredictor => Run(attack, model, new AttackRun(images, goal, seed))[0];

    /// <summary>Runs an attack as a run says.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it attacks.</param>
    /// <param name="run">What it attacks, and how far it may go.</param>
    /// <returns>One result for each budget, or one in all.</returns>
    /// <exception cref="UserErrorException">The images do not fit the model, or hold something else than numbers in [0,
    /// 1]; a limit or a budget is out of its range.</exception>
    public static IReadOnlyList<AttackResult> Run<TModel>(IAttack<TModel> attack, TModel model, AttackRun run)
        where TModel : IPredictor
    {
        AttackChecks.Run(run, model);
        run.Mask?.CheckFits(attack, model.Shape);
        if (attack is not IBudgetAttack<TModel> within)
        {
            attack.CheckFits(model, []);
            return RunPieces(attack, model, run with { Epsilons = null });
        }

        IReadOnlyList<double> epsilons = run.Epsilons ?? [within.Epsilon];
        AttackChecks.Budgets(epsilons);
        attack.CheckFits(model, epsilons);
        return run.Limits is null
            ? RunPieces(attack, model, run with { Epsilons = epsilons })
            : [.. epsilons.SelectMany(epsilon => RunPieces(attack, model, run with { Epsilons = [epsilon] }))];
    }

    /// <summary>Trains an attack, with the model in evaluation mode, and counts what that costs.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it learns to attack.</param>
    /// <param name="run">Images it learns from, none of which it is judged on later, and the budgets it will run at; no
    /// images where the attack asks for none.</param>
    /// <returns>The trained attack, which the caller owns, and its cost.</returns>
    /// <exception cref="UserErrorException">The images do not fit the model, hold something else than numbers in [0,
    /// 1], or are missing.</exception>
    public static (ITrainedAttack<TModel> Attack, AttackTraining Training) Train<TModel>(
        ITrainedAttack<TModel> attack,
        TModel model,
        AttackRun run
    )
        where TModel : IPredictor
    {
        int count = (int)run.Images.size(0);
        if (count > 0 || attack.TrainingImages > 0)
            AttackChecks.Images(run.Images, model, run.Goal);
        IReadOnlyList<double> epsilons = run.Epsilons ?? [];
        AttackChecks.Budgets(epsilons);
        var clock = Stopwatch.StartNew();
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using IDisposable? mode = model.EnterEvaluation();
        var meter = new Meter(count, FirstTrainingSample, run.Cancellation);
        Batch data = TrainingBatch(run.Images, run.Goal, run.Seed);
        ITrainedAttack<TModel> trained = attack.Train(
            meter.Around(model),
            data,
            epsilons,
            run.Progress,
            run.Cancellation
        );
        double seconds = clock.Elapsed.TotalSeconds;
        return (trained, new AttackTraining(count, meter.Queries.Sum(), meter.Gradients.Sum(), seconds));
    }

    /// <summary>Images that an attack learns from.</summary>
    internal static Batch TrainingBatch(Tensor images, Goal goal, long seed)
    {
        long[] samples = [.. Enumerable.Range(0, (int)images.size(0)).Select(i => FirstTrainingSample + i)];
        return new Batch(new Images(images, samples), goal, new SampleRandom(seed, samples));
    }

    private static AttackResult[] RunPieces<TModel>(IAttack<TModel> attack, TModel model, AttackRun run)
        where TModel : IPredictor
    {
        var clock = Stopwatch.StartNew();
        using IDisposable? mode = model.EnterEvaluation();
        int count = (int)run.Images.size(0);
        int largest = PassMemory.RowsAtOnce(model, RowsOnProcessor);
        int size = Workers.Shared.EqualShare(count, largest);
        int pieces = Workers.PieceCount(count, size);
        int done = 0;
        var meter = new Meter(count, run.FirstSample, run.Cancellation);
        AttackPiece[] parts = Workers.Shared.MapRows(
            count,
            size,
            (from, to) =>
            {
                AttackPiece piece = AttackPiece.Run(attack, model, run, meter, from, to);
                run.Progress?.Report((double)Interlocked.Increment(ref done) / pieces);
                return piece;
            },
            run.Cancellation
        );

        double seconds = clock.Elapsed.TotalSeconds;
        int budgets = parts[0].Images.Count;
        return [.. Enumerable.Range(0, budgets).Select(i => Gather(attack, run, i, parts, meter, seconds / budgets))];
    }

    private static AttackResult Gather<TModel>(
        IAttack<TModel> attack,
        AttackRun run,
        int budget,
        AttackPiece[] parts,
        Meter meter,
        double seconds
    )
        where TModel : IPredictor
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        int budgets = parts[0].Images.Count;
        Tensor images = scope.MoveToOuter(cat([.. parts.Select(part => part.Images[budget])]));
        Tensor attempts = scope.MoveToOuter(cat([.. parts.Select(part => part.Attempts[budget])]));
        foreach (AttackPiece part in parts)
        {
            part.Images[budget].Dispose();
            part.Attempts[budget].Dispose();
        }

        Tensor change = images - run.Images;
        return new AttackResult
        {
            Attack = attack.Name,
            Norm = attack.Norm,
            Epsilon = run.Epsilons?[budget],
            Images = images,
            Attempts = attempts,
            Attacked = [.. parts.SelectMany(part => part.Attacked)],
            Succeeded = [.. parts.SelectMany(part => part.Succeeded[budget])],
            L0 = Norm.L0.Of(change).ToArray<float>(),
            L1 = Norm.L1.Of(change).ToArray<float>(),
            L2 = Norm.L2.Of(change).ToArray<float>(),
            Linf = Norm.Linf.Of(change).ToArray<float>(),
            Queries = [.. meter.Queries.Select(count => (double)count / budgets)],
            Gradients = [.. meter.Gradients.Select(count => (double)count / budgets)],
            Seconds = seconds,
        };
    }
}
