using System.Diagnostics;
using Parry.Models;
using Parry.Runtime;
using TorchSharp;
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
    private const double Tolerance = 1e-6;

    // Training images are other samples than those that are attacked, so a randomized defense draws for them by itself.
    private const long FirstTrainingSample = 1L << 32;

    /// <summary>Runs an attack, a budget attack at its own budget.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it attacks.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="goal">Of the same rows.</param>
    /// <param name="seed">Decides every random draw.</param>
    /// <param name="attacked">Which images to attack; null means those that do not reach the goal by
    /// themselves.</param>
    /// <param name="firstSample">The number of the first image's sample, on which random draws depend: a part of a set
    /// gives what it gives within the whole.</param>
    /// <param name="limits">The most passes for each image, and for each budget; null for no limit.</param>
    /// <param name="progress">Told the share of images that are done.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <exception cref="UserErrorException">The images do not fit the model, or hold something else than numbers in [0,
    /// 1].</exception>
    public static AttackResult Run<TModel>(
        IAttack<TModel> attack,
        TModel model,
        Tensor images,
        Goal goal,
        long seed,
        IReadOnlyList<bool>? attacked = null,
        long firstSample = 0,
        AttackLimits? limits = null,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
        where TModel : IPredictor =>
        Run(attack, model, images, goal, seed, null, attacked, firstSample, limits, progress, cancellation)[0];

    /// <summary>Runs a budget attack at several budgets, which share what work can be shared.</summary>
    /// <param name="attack">The attack; its own budget is not used.</param>
    /// <param name="model">The model it attacks.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="goal">Of the same rows.</param>
    /// <param name="seed">Decides every random draw.</param>
    /// <param name="epsilons">The budgets, in the attack's norm.</param>
    /// <param name="attacked">Which images to attack; null means those that do not reach the goal by
    /// themselves.</param>
    /// <param name="firstSample">The number of the first image's sample, on which random draws depend: a part of a set
    /// gives what it gives within the whole.</param>
    /// <param name="limits">The most passes for each image, and for each budget; null for no limit.</param>
    /// <param name="progress">Told the share of images that are done.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <exception cref="UserErrorException">The images do not fit the model, or hold something else than numbers in [0,
    /// 1].</exception>
    public static IReadOnlyList<AttackResult> Run<TModel>(
        IBudgetAttack<TModel> attack,
        TModel model,
        Tensor images,
        Goal goal,
        long seed,
        IReadOnlyList<double> epsilons,
        IReadOnlyList<bool>? attacked = null,
        long firstSample = 0,
        AttackLimits? limits = null,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
        where TModel : IPredictor =>
        limits is null
            ? Run(
                (IAttack<TModel>)attack,
                model,
                images,
                goal,
                seed,
                epsilons,
                attacked,
                firstSample,
                limits,
                progress,
                cancellation
            )
            :
            [
                .. epsilons.SelectMany(epsilon =>
                    Run(
                        (IAttack<TModel>)attack,
                        model,
                        images,
                        goal,
                        seed,
                        [epsilon],
                        attacked,
                        firstSample,
                        limits,
                        progress,
                        cancellation
                    )
                ),
            ];

    /// <summary>Trains an attack, with the model in evaluation mode, and counts what that costs.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it learns to attack.</param>
    /// <param name="images">[N, C, H, W] in [0, 1], none of which it is judged on later; N may be 0 where the attack
    /// asks for no images.</param>
    /// <param name="goal">Of the same rows.</param>
    /// <param name="seed">Decides every random draw.</param>
    /// <param name="epsilons">The budgets it will run at; empty for an attack without one.</param>
    /// <param name="progress">Told the share that is done.</param>
    /// <param name="cancellation">Stops the training.</param>
    /// <returns>The trained attack, which the caller owns, and its cost.</returns>
    /// <exception cref="UserErrorException">The images do not fit the model, hold something else than numbers in [0,
    /// 1], or are missing.</exception>
    public static (ITrainedAttack<TModel> Attack, AttackTraining Training) Train<TModel>(
        ITrainedAttack<TModel> attack,
        TModel model,
        Tensor images,
        Goal goal,
        long seed,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
        where TModel : IPredictor
    {
        int count = (int)images.size(0);
        if (count > 0 || attack.TrainingImages > 0)
            CheckImages(images, model, goal);
        CheckBudgets(epsilons);
        var clock = Stopwatch.StartNew();
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using IDisposable? mode = model.EnterEvaluation();
        var meter = new Meter(count, FirstTrainingSample);
        SampleRandom random = TrainingDraws(seed, count);
        ITrainedAttack<TModel> trained = attack.Train(
            meter.Around(model, random.Samples),
            images,
            goal,
            random,
            epsilons,
            progress,
            cancellation
        );
        return (
            trained,
            new AttackTraining(count, meter.Queries.Sum(), meter.Gradients.Sum(), clock.Elapsed.TotalSeconds)
        );
    }

    /// <summary>The random draws for images that an attack learns from.</summary>
    internal static SampleRandom TrainingDraws(long seed, int count) =>
        new(seed, Array.ConvertAll([.. Enumerable.Range(0, count)], i => FirstTrainingSample + i));

    private static AttackResult[] Run<TModel>(
        IAttack<TModel> attack,
        TModel model,
        Tensor images,
        Goal goal,
        long seed,
        IReadOnlyList<double>? epsilons,
        IReadOnlyList<bool>? attacked,
        long firstSample,
        AttackLimits? limits,
        IProgress<double>? progress,
        CancellationToken cancellation
    )
        where TModel : IPredictor
    {
        CheckImages(images, model, goal);
        CheckBudgets(epsilons ?? [(attack as IBudgetAttack<TModel>)?.Epsilon ?? 0]);
        if (limits is { Queries: < 1 } or { Gradients: < 1 })
            throw new UserErrorException(
                $"A limit on passes is a whole number from 1 on, not "
                    + $"{(limits.Queries is < 1 ? limits.Queries : limits.Gradients)}."
            );

        var clock = Stopwatch.StartNew();
        using IDisposable? mode = model.EnterEvaluation();
        int count = (int)images.size(0);
        int largest = Devices.RowsAtOnce(RowsOnProcessor, model.Shape.Pixels);
        int size = Math.Clamp((count + Workers.Shared.Count - 1) / Workers.Shared.Count, 1, largest);
        int pieces = (count + size - 1) / size,
            done = 0;
        var meter = new Meter(count, firstSample);
        Piece[] parts = Workers.Shared.Map(
            pieces,
            i =>
            {
                long from = (long)i * size,
                    to = Math.Min(count, from + size);
                Piece piece = RunPiece(
                    attack,
                    model,
                    images,
                    goal,
                    seed,
                    epsilons,
                    attacked,
                    meter,
                    firstSample,
                    limits,
                    from,
                    to
                );
                progress?.Report((double)Interlocked.Increment(ref done) / pieces);
                return piece;
            },
            cancellation
        );

        int budgets = parts[0].Images.Count;
        return
        [
            .. Enumerable
                .Range(0, budgets)
                .Select(budget =>
                    Gather(attack, epsilons, budget, budgets, parts, meter, images, clock.Elapsed.TotalSeconds)
                ),
        ];
    }

    private static Piece RunPiece<TModel>(
        IAttack<TModel> attack,
        TModel model,
        Tensor allImages,
        Goal allGoals,
        long seed,
        IReadOnlyList<double>? epsilons,
        IReadOnlyList<bool>? chosen,
        Meter meter,
        long firstSample,
        AttackLimits? limits,
        long from,
        long to
    )
        where TModel : IPredictor
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor rows = arange(to, ScalarType.Int64).slice(0, from, to, 1);
        Tensor images = allImages.slice(0, from, to, 1);
        Goal goal = allGoals.Select(rows);
        long[] samples = [.. rows.ToArray<long>().Select(row => firstSample + row)];

        Tensor attacked = chosen is null
            ? IsReached(images).logical_not()
            : tensor(chosen.Skip((int)from).Take((int)(to - from)).ToArray());
        Tensor victims = attacked.nonzero().reshape(-1);
        int budgets = epsilons?.Count ?? 1;
        var piece = new Piece(attacked.ToArray<bool>(), [], [], []);
        IReadOnlyList<Tensor> perturbed = [];
        Tensor clean = images.index_select(0, victims);
        if (victims.size(0) > 0)
        {
            long[] victimSamples = [.. victims.ToArray<long>().Select(row => samples[row])];
            Goal victimGoal = goal.Select(victims);
            Allowance? allowance = limits is null
                ? null
                : new(limits, attack.Norm, BudgetOf(attack, epsilons, 0), victimGoal, clean, victimSamples);
            TModel metered = meter.Around(model.For(victimSamples), victimSamples, allowance);
            var random = new SampleRandom(seed, victimSamples);
            try
            {
                perturbed = epsilons is null
                    ? [attack.Perturb(metered, clean, victimGoal, random)]
                    : ((IBudgetAttack<TModel>)attack).PerturbWithin(metered, clean, victimGoal, random, epsilons);
                if (allowance is not null)
                    perturbed = [allowance.Settle(perturbed[0])];
            }
            catch (AllowanceSpentException)
            {
                perturbed = [allowance!.Settle(null)];
            }
        }

        for (int budget = 0; budget < budgets; budget++)
        {
            Tensor result = images,
                attempt = images,
                succeeded = zeros_like(attacked);
            if (perturbed.Count > 0)
            {
                Check(attack.Name, attack.Norm, perturbed[budget], clean, BudgetOf(attack, epsilons, budget));
                attempt = images.index_copy(0, victims, perturbed[budget]);
                succeeded = IsReached(attempt).logical_and(attacked);
                result = where(succeeded.reshape(-1, 1, 1, 1), attempt, images);
            }

            piece.Images.Add(scope.MoveToOuter(result.clone()));
            piece.Attempts.Add(scope.MoveToOuter(attempt.clone()));
            piece.Succeeded.Add(succeeded.ToArray<bool>());
        }

        return piece;

        Tensor IsReached(Tensor images)
        {
            using IDisposable? exact = Devices.FullFloat32();
            return goal.IsReached(model.For(samples).Predict(images));
        }
    }

    private static AttackResult Gather<TModel>(
        IAttack<TModel> attack,
        IReadOnlyList<double>? epsilons,
        int budget,
        int budgets,
        Piece[] parts,
        Meter meter,
        Tensor clean,
        double seconds
    )
        where TModel : IPredictor
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = scope.MoveToOuter(cat([.. parts.Select(part => part.Images[budget])]));
        Tensor attempts = scope.MoveToOuter(cat([.. parts.Select(part => part.Attempts[budget])]));
        foreach (Piece part in parts)
        {
            part.Images[budget].Dispose();
            part.Attempts[budget].Dispose();
        }

        Tensor change = images.sub(clean);
        return new AttackResult
        {
            Attack = attack.Name,
            Norm = attack.Norm,
            Epsilon = BudgetOf(attack, epsilons, budget),
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
            Seconds = seconds / budgets,
        };
    }

    private static double? BudgetOf<TModel>(IAttack<TModel> attack, IReadOnlyList<double>? epsilons, int budget)
        where TModel : IPredictor =>
        epsilons is not null ? epsilons[budget] : (attack as IBudgetAttack<TModel>)?.Epsilon;

    private static void CheckBudgets(IReadOnlyList<double> epsilons)
    {
        foreach (double epsilon in epsilons)
        {
            if (!(epsilon >= 0))
                throw new UserErrorException($"A budget must be a number from 0 on, not {epsilon}.");
        }
    }

    private static void CheckImages(Tensor images, IPredictor model, Goal goal)
    {
        ImageShape shape = model.Shape;
        if (
            images.dtype != ScalarType.Float32
            || !images
                .shape.AsSpan()[Math.Min(1, images.shape.Length)..]
                .SequenceEqual([shape.Channels, shape.Height, shape.Width])
            || images.size(0) == 0
        )
            throw new UserErrorException(
                $"The model takes images Float32[N, {shape.Channels}, {shape.Height}, {shape.Width}], not "
                    + $"{images.Describe()}."
            );
        if (goal.Labels.size(0) != images.size(0))
            throw new UserErrorException(
                $"There are {images.size(0)} images and {goal.Labels.size(0)} labels; give one label per image."
            );
        using var scope = NewDisposeScope();
        long[] all = [0, 1, 2, 3];
        double least = goal.Labels.amin([0]).ToDouble(),
            most = goal.Labels.amax([0]).ToDouble();
        if (least < 0 || most >= model.Classes)
            throw new UserErrorException(
                $"The model has the classes 0 to {model.Classes - 1}; the labels go from {least} to {most}."
            );
        double low = images.amin(all).ToDouble(),
            high = images.amax(all).ToDouble();
        if (!(low >= 0 && high <= 1))
            throw new UserErrorException(
                $"Images must hold numbers in [0, 1]; these are in [{low}, {high}]. Divide bytes by 255, and leave "
                    + $"normalization to the model."
            );
    }

    // What an attack gives back is checked, not believed: a result outside the box or the budget is a defect of the
    // attack.
    private static void Check(string name, Norm norm, Tensor perturbed, Tensor clean, double? epsilon)
    {
        long[] all = [0, 1, 2, 3];
        double low = perturbed.amin(all).ToDouble(),
            high = perturbed.amax(all).ToDouble();
        if (!(low >= -Tolerance && high <= 1 + Tolerance))
            throw new InvalidOperationException(
                $"The attack {name} returned values in [{low}, {high}]; images stay in [0, 1]."
            );
        double largest = norm.Of(perturbed.sub(clean)).amax([0]).ToDouble();
        if (epsilon is { } budget && !(largest <= budget + (Tolerance * Math.Max(1, budget))))
            throw new InvalidOperationException(
                $"The attack {name} spent {largest} of a budget of {budget} in {norm.Name()}."
            );
    }

    private sealed record Piece(bool[] Attacked, List<Tensor> Images, List<Tensor> Attempts, List<bool[]> Succeeded);
}
