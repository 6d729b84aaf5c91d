using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>What an attack did to the images that one worker took.</summary>
/// <param name="Attacked">Which images were attacked.</param>
/// <param name="Images">For each budget, the adversarial images, or the clean ones where it failed.</param>
/// <param name="Attempts">For each budget, what was tried.</param>
/// <param name="Succeeded">For each budget, which attacked images reach the goal.</param>
internal sealed record AttackPiece(bool[] Attacked, List<Tensor> Images, List<Tensor> Attempts, List<bool[]> Succeeded)
{
    /// <summary>Attacks some images of a run.</summary>
    /// <param name="attack">The attack.</param>
    /// <param name="model">The model it attacks, in evaluation mode.</param>
    /// <param name="run">The run, with the budgets of a budget attack.</param>
    /// <param name="meter">Counts the passes.</param>
    /// <param name="from">The first image.</param>
    /// <param name="to">The end of the images.</param>
    public static AttackPiece Run<TModel>(
        IAttack<TModel> attack,
        TModel model,
        AttackRun run,
        Meter meter,
        int from,
        int to
    )
        where TModel : IPredictor
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = run.Images.slice(0, from, to, 1);
        long[] rows = [.. Enumerable.Range(from, to - from).Select(row => (long)row)];
        Goal goal = run.Goal.Select(tensor(rows));
        long[] samples = Array.ConvertAll(rows, row => run.FirstSample + row);

        Tensor attacked = run.Attacked is null
            ? IsReached(images).logical_not()
            : tensor(run.Attacked.Skip(from).Take(to - from).ToArray());
        var piece = new AttackPiece(attacked.ToArray<bool>(), [], [], []);
        Tensor victims = attacked.nonzero().reshape(-1);
        Tensor clean = images.index_select(0, victims);
        IReadOnlyList<Tensor>? perturbed = null;
        if (victims.size(0) > 0)
        {
            long[] victimSamples = Array.ConvertAll(victims.ToArray<long>(), row => samples[row]);
            var random = new SampleRandom(run.Seed, victimSamples);
            var batch = new Batch(new Images(clean, victimSamples), goal.Select(victims), random)
            {
                Starts = run.Starts,
            };
            perturbed = run.Mask is { } mask
                ? PerturbMasked(attack, model, run, meter, batch, mask)
                : Perturb(attack, model, run, meter, batch);
        }

        int budgets = run.Epsilons?.Count ?? 1;
        for (int budget = 0; budget < budgets; budget++)
        {
            Tensor result = images;
            Tensor attempt = images;
            Tensor succeeded = zeros_like(attacked);
            if (perturbed is not null)
            {
                AttackChecks.Result(attack, perturbed[budget], clean, run.Epsilons?[budget]);
                attempt = images.index_copy(0, victims, perturbed[budget]);
                succeeded = IsReached(attempt).logical_and(attacked);
                result = where(succeeded.reshape(-1, 1, 1, 1), attempt, images);
            }

            piece.Images.Add(scope.MoveToOuter(result.clone()));
            piece.Attempts.Add(scope.MoveToOuter(attempt.clone()));
            piece.Succeeded.Add(succeeded.ToArray<bool>());
        }

        return piece;

        Tensor IsReached(Tensor shown)
        {
            using IDisposable? exact = Devices.FullFloat32();
            return goal.IsReached(model.Predict(new Images(shown, samples)));
        }
    }

    // The attack gets images that are only the pixels that may change.
    private static Tensor[] PerturbMasked<TModel>(
        IAttack<TModel> attack,
        TModel model,
        AttackRun run,
        Meter meter,
        Batch batch,
        PixelMask mask
    )
        where TModel : IPredictor
    {
        TModel masked = new MaskedModel(mask, batch).Around(model);
        IReadOnlyList<Tensor> packed = Perturb(attack, masked, run, meter, batch.Pack(mask));
        return [.. packed.Select(pixels => mask.Unpack(pixels, batch.Images))];
    }

    private static IReadOnlyList<Tensor> Perturb<TModel>(
        IAttack<TModel> attack,
        TModel model,
        AttackRun run,
        Meter meter,
        Batch batch
    )
        where TModel : IPredictor
    {
        if (run.Limits is null)
            return Ask(meter.Around(model));

        var limit = new PassLimit(run.Limits, attack.Norm, run.Epsilons?[0], batch);
        try
        {
            return [limit.Settle(Ask(meter.Around(model, limit))[0])];
        }
        catch (PassLimitReachedException)
        {
            return [limit.Settle(null)];
        }

        IReadOnlyList<Tensor> Ask(TModel metered) =>
            run.Epsilons is { } epsilons
                ? ((IBudgetAttack<TModel>)attack).PerturbWithin(metered, batch, epsilons)
                : [attack.Perturb(metered, batch)];
    }
}
