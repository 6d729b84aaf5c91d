using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.DecisionBased;
using Parry.Evaluation.Cells;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>
/// The checks that every evaluation makes of its gradient attacks, on one range of images:
/// <see cref="GradientMasking"/> words what they find.
/// </summary>
/// <param name="seed">The seed of every random draw.</param>
/// <param name="test">The clean images.</param>
/// <param name="cancellation">Stops between pieces.</param>
internal sealed class GradientChecks(long seed, RangeImages test, CancellationToken cancellation)
{
    private const int RowsAtOnce = 128;
    private const int Draws = 100;

    // Behind a purifier each draw costs a purification.
    private const int DrawsBehindPurifier = 5;

    /// <summary>How many images are searched for gradients that are zero, at most: the first ones.</summary>
    public int MostImages { get; init; } = int.MaxValue;

    /// <summary>How many images are searched at random, at most: the first ones.</summary>
    public int MostSearched { get; init; } = int.MaxValue;

    /// <summary>
    /// Counts the images without a gradient, and searches at random among those that no attack by gradients fooled.
    /// </summary>
    /// <param name="subject">The classifier.</param>
    /// <param name="model">The same, as an attacker who knows its defense sees it.</param>
    /// <param name="cleanCorrect">Which clean images it is right about.</param>
    /// <param name="outcomes">The outcomes of all attacks on these images.</param>
    public GradientCheck Measure(
        Subject subject,
        IClassifier model,
        bool[] cleanCorrect,
        IReadOnlyList<Outcome> outcomes
    )
    {
        using IDisposable? mode = model.EnterEvaluation();
        long[] correct = [.. Rows.Where(cleanCorrect, true).Take(MostImages)];
        int draws = subject.Defense?.Purifier is null ? Draws : DrawsBehindPurifier;
        var (zero, flat) = ZeroGradients(model, correct);
        return new GradientCheck(
            test.First,
            zero,
            flat,
            correct.Length,
            draws,
            [.. RandomSearch(subject, model, draws, outcomes).AsEnumerable().Reverse()]
        );
    }

    // The clean images without a gradient of the cross entropy, and those of them without one of the margin either.
    private (int Zero, int Flat) ZeroGradients(IClassifier model, long[] correct)
    {
        (int Zero, int Flat)[] without = OnPieces(
            model,
            correct,
            rows =>
            {
                long[] zero = Without(rows, AttackLoss.CrossEntropy);
                long[] flat = zero.Length > 0 ? Without(zero, AttackLoss.Margin) : zero;
                return (zero.Length, flat.Length);
            }
        );
        return (without.Sum(piece => piece.Zero), without.Sum(piece => piece.Flat));

        long[] Without(long[] rows, Func<Goal, Func<Tensor, Tensor>> loss)
        {
            Tensor gradient = model.Gradient(test.At(rows), loss(GoalOf(rows))).Gradient;
            float[] steepest = gradient.abs().MaxPerImage().ToArray<float>();
            return rows.At(Rows.Where([.. steepest.Select(value => !float.IsFinite(value) || value == 0)], true));
        }
    }

    // Larger budgets come first, and an image that is robust to one is not searched within a smaller one.
    private List<BudgetSearch> RandomSearch(
        Subject subject,
        IClassifier model,
        int draws,
        IReadOnlyList<Outcome> outcomes
    )
    {
        var found = new List<BudgetSearch>();
        foreach (var norm in BudgetsOfBareClassifier(outcomes))
        {
            var robust = new bool[test.Count];
            foreach (double epsilon in norm.Distinct().OrderDescending())
            {
                Outcome[] known =
                [
                    .. outcomes.Where(outcome =>
                        (outcome.Norm, outcome.Epsilon, outcome.Defense) == (norm.Key, epsilon, subject.Name)
                        && !outcome.Threat.IsUnaware()
                        && outcome.FollowsGradients == true
                    ),
                ];
                if (known.Length == 0)
                    continue;
                bool[] left = [.. robust.Select((_, i) => known.All(outcome => outcome.Robust()[i]))];
                long[] searched =
                [
                    .. Rows.Where([.. left.Zip(robust, (right, held) => right && !held)], true).Take(MostSearched),
                ];
                var search = new RandomSearch
                {
                    Norm = norm.Key,
                    Epsilon = epsilon,
                    Draws = draws,
                };
                bool[] fooled = Search(search, subject, model, searched);
                foreach (long row in searched.At(Rows.Where(fooled, false)))
                    robust[row] = true;
                int leftOver = Math.Min(MostSearched, left.Count(one => one));
                found.Add(new BudgetSearch(norm.Key, epsilon, fooled.Count(one => one), leftOver));
            }
        }

        return found;
    }

    private static IOrderedEnumerable<IGrouping<Norm, double>> BudgetsOfBareClassifier(
        IReadOnlyList<Outcome> outcomes
    ) =>
        outcomes
            .Where(outcome => outcome.Defense == EvaluationRow.Nothing && outcome.Norm is Norm.Linf or Norm.L2)
            .Where(outcome => outcome.Epsilon is not null)
            .GroupBy(outcome => outcome.Norm, outcome => outcome.Epsilon!.Value)
            .OrderByDescending(group => group.Key);

    // Which of some images it fools, by the defender's verdict where there is a defense.
    private bool[] Search(RandomSearch search, Subject subject, IClassifier model, long[] searched)
    {
        using var scope = NewDisposeScope();
        (Tensor Images, bool[] Fooled)[] parts = OnPieces(
            model,
            searched,
            rows =>
            {
                Goal goal = GoalOf(rows);
                Images images = test.At(rows);
                var batch = new Batch(images, goal, new SampleRandom(seed, images.Samples));
                Tensor attempts = search.Perturb(model, batch, search.Epsilon);
                bool[] reached = goal.IsReached(model.Predict(images.With(attempts))).ToArray<bool>();
                return (attempts.MoveToOuterDisposeScope(), reached);
            }
        );
        bool[] fooled = [.. parts.SelectMany(part => part.Fooled)];
        long[] claimed = Rows.Where(fooled, true);
        if (subject.Defense is not null && claimed.Length > 0)
        {
            long[] rows = searched.At(claimed);
            Tensor attempts = cat([.. parts.Select(part => part.Images)]).At(claimed);
            using Verdict verdict = subject.Judge(new Images(attempts, test.SamplesAt(rows)));
            foreach (long row in claimed.At(Rows.Where(verdict.Holds(test.Truth.At(rows)), true)))
                fooled[row] = false;
        }

        foreach (var (images, _) in parts)
            images.Dispose();
        return fooled;
    }

    private Goal GoalOf(long[] rows) => Goal.Untargeted(tensor(test.Truth.At(rows)));

    // Equal parts for the workers, none of them large.
    private TPart[] OnPieces<TPart>(IPredictor model, long[] rows, Func<long[], TPart> work)
    {
        return Workers.Shared.MapRows(
            rows.Length,
            Workers.Shared.EqualShare(rows.Length, PassMemory.RowsAtOnce(model, RowsAtOnce)),
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                return work(rows[from..to]);
            },
            cancellation
        );
    }
}
