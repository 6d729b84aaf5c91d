using Parry.Attacks;
using Parry.Attacks.DecisionBased;
using Parry.Attacks.Steps;
using Parry.Defenses;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>
/// What an evaluation measures of its own accord to tell whether attacks by gradients can be believed:
/// <see cref="GradientMasking"/> words what it finds.
/// </summary>
/// <param name="plan">The evaluation.</param>
/// <param name="images">Clean images, [N, C, H, W] in [0, 1].</param>
/// <param name="truth">Their labels.</param>
/// <param name="cancellation">Stops between pieces.</param>
internal sealed class GradientChecks(EvaluationPlan plan, Tensor images, long[] truth, CancellationToken cancellation)
{
    private const int RowsAtOnce = 128;

    // Behind a purifier each draw costs a purification.
    private const int Draws = 100,
        DrawsBehindPurifier = 5;

    /// <summary>
    /// Counts the images without a gradient of the cross entropy at the clean image: one gradient for each.
    /// </summary>
    public string? ZeroGradients(string name, IClassifier model, bool[] right)
    {
        using IDisposable? mode = model.EnterEvaluation();
        long[][] pieces = Pieces(Rows.Where(right, true));
        int without = Workers
            .Shared.Map(
                pieces.Length,
                i =>
                {
                    using var frozen = no_grad();
                    using var scope = NewDisposeScope();
                    Goal goal = Goal.Untargeted(tensor(truth.At(pieces[i])));
                    var shown = new Images(images.At(pieces[i]), pieces[i]);
                    LossGradient pass = model.Gradient(shown, AttackLoss.CrossEntropy(goal));
                    Tensor steepest = pass.Gradient.abs().amax([1, 2, 3]);
                    return steepest.ToArray<float>().Count(value => !float.IsFinite(value) || value == 0);
                },
                cancellation
            )
            .Sum();
        return GradientMasking.OfZeroGradients(name, without, right.Count(r => r));
    }

    /// <summary>
    /// Searches at random, with each budget of the plan, among the images that no attack by gradients fooled within it.
    /// Larger budgets come first, and an image that withstands one is not searched within a smaller one.
    /// </summary>
    /// <param name="defense">The defense; null for the bare classifier.</param>
    /// <param name="model">The defended classifier as an attacker who knows the defense sees it.</param>
    /// <param name="outcomes">All attacks.</param>
    /// <param name="defend">The defender's verdict on images of some samples.</param>
    public string? RandomSearch(
        DefenseSpec? defense,
        IClassifier model,
        IReadOnlyList<Outcome> outcomes,
        Func<Tensor, long[], DefendedImages> defend
    )
    {
        string name = defense?.Name ?? EvaluationRow.Nothing;
        int draws = defense?.Purifier is null ? Draws : DrawsBehindPurifier;
        using IDisposable? mode = model.EnterEvaluation();
        var found = new List<(string, int, int)>();
        foreach (
            var budgets in outcomes
                .Where(o =>
                    o.Defense == EvaluationRow.Nothing && o.Epsilon is not null && o.Norm is Norm.Linf or Norm.L2
                )
                .GroupBy(o => o.Norm, o => o.Epsilon!.Value)
                .OrderByDescending(group => group.Key)
        )
        {
            var withstood = new bool[truth.Length];
            foreach (double epsilon in budgets.Distinct().OrderDescending())
            {
                Outcome[] known =
                [
                    .. outcomes.Where(o =>
                        (o.Norm, o.Epsilon, o.Defense) == (budgets.Key, epsilon, name)
                        && !o.Threat.IsUnaware()
                        && o.ByGradients == true
                    ),
                ];
                if (known.Length == 0)
                    continue;
                bool[] left =
                [
                    .. truth.Select((_, i) => known.All(outcome => outcome.CleanRight[i] && outcome.AttackedRight[i])),
                ];
                long[] searched = Rows.Where([.. left.Zip(withstood, (right, held) => right && !held)], true);
                bool[] fooled = Search(
                    new RandomSearch
                    {
                        Norm = budgets.Key,
                        Epsilon = epsilon,
                        Draws = draws,
                    },
                    model,
                    searched,
                    defense is null ? null : defend
                );
                foreach (long row in searched.At(Rows.Where(fooled, false)))
                    withstood[row] = true;
                found.Add(
                    (GradientMasking.Budget(budgets.Key.Name(), epsilon), fooled.Count(f => f), left.Count(l => l))
                );
            }
        }

        found.Reverse();
        return GradientMasking.OfRandomSearch(
            defense?.Name ?? "the bare classifier",
            draws,
            defense?.Purifier is { IsRandom: true },
            found
        );
    }

    // Which of some samples it fools, by the defender's verdict where there is one.
    private bool[] Search(
        RandomSearch search,
        IClassifier model,
        long[] samples,
        Func<Tensor, long[], DefendedImages>? defend
    )
    {
        using var scope = NewDisposeScope();
        long[][] pieces = Pieces(samples);
        (Tensor Images, bool[] Fooled)[] parts = Workers.Shared.Map(
            pieces.Length,
            i =>
            {
                using var frozen = no_grad();
                using var inner = NewDisposeScope();
                Goal goal = Goal.Untargeted(tensor(truth.At(pieces[i])));
                var shown = new Images(images.At(pieces[i]), pieces[i]);
                var batch = new Batch(shown, goal, new SampleRandom(plan.Seed, pieces[i]));
                Tensor attempts = search.Perturb(model, batch, search.Epsilon);
                Tensor reached = goal.IsReached(model.Predict(batch.With(attempts)));
                return (inner.MoveToOuter(attempts), reached.ToArray<bool>());
            },
            cancellation
        );
        bool[] fooled = [.. parts.SelectMany(part => part.Fooled)];
        long[] claimed = Rows.Where(fooled, true);
        if (defend is not null && claimed.Length > 0)
        {
            using DefendedImages shown = defend(
                cat([.. parts.Select(part => part.Images)]).At(claimed),
                samples.At(claimed)
            );
            foreach (long row in claimed.At(Rows.Where(shown.Holds(truth.At(samples.At(claimed))), true)))
                fooled[row] = false;
        }

        foreach (var (attempts, _) in parts)
            attempts.Dispose();
        return fooled;
    }

    // Equal parts for the workers, none of them large.
    private static long[][] Pieces(long[] samples) =>
        [
            .. samples.Chunk(
                Math.Clamp((samples.Length + Workers.Shared.Count - 1) / Workers.Shared.Count, 1, RowsAtOnce)
            ),
        ];
}
