using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.DecisionBased;
using Parry.Evaluation.Cells;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>
/// The checks that every evaluation makes of its gradient attacks:
/// <see cref="GradientMasking"/> words what it finds.
/// </summary>
/// <param name="seed">The seed of every random draw.</param>
/// <param name="test">The clean images.</param>
/// <param name="cancellation">Stops between pieces.</param>
internal sealed class GradientChecks(long seed, TestImages test, CancellationToken cancellation)
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
    /// Counts the images without a gradient of the cross entropy at the clean image: one gradient for each.
    /// </summary>
    /// <param name="subject">The classifier.</param>
    /// <param name="model">The same, as an attacker who knows its defense sees it.</param>
    public string? ZeroGradients(Subject subject, IClassifier model)
    {
        using IDisposable? mode = model.EnterEvaluation();
        long[] correct = [.. Rows.Where(subject.CleanCorrect, true).Take(MostImages)];
        int[] without = OnPieces(
            model,
            correct,
            samples =>
            {
                var images = new Images(test.Pixels.At(samples), samples);
                Tensor gradient = model.Gradient(images, AttackLoss.CrossEntropy(GoalOf(samples))).Gradient;
                float[] steepest = gradient.abs().MaxPerImage().ToArray<float>();
                return steepest.Count(value => !float.IsFinite(value) || value == 0);
            }
        );
        return GradientMasking.OfZeroGradients(subject.Title, without.Sum(), correct.Length);
    }

    /// <summary>
    /// Searches at random, with each budget of the plan, among the images that no attack by gradients fooled within it.
    /// Larger budgets come first, and an image that is robust to one is not searched within a smaller one.
    /// </summary>
    /// <param name="subject">The classifier.</param>
    /// <param name="model">The same, as an attacker who knows its defense sees it.</param>
    /// <param name="outcomes">The outcomes of all attacks.</param>
    public string? RandomSearch(Subject subject, IClassifier model, IReadOnlyList<Outcome> outcomes)
    {
        int draws = subject.Defense?.Purifier is null ? Draws : DrawsBehindPurifier;
        using IDisposable? mode = model.EnterEvaluation();
        var found = new List<(string Budget, int Fooled, int Left)>();
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
                string budget = GradientMasking.Budget(norm.Key.Name(), epsilon);
                found.Add((budget, fooled.Count(f => f), Math.Min(MostSearched, left.Count(l => l))));
            }
        }

        found.Reverse();
        return GradientMasking.OfRandomSearch(subject.Title, draws, subject.IsRandom, found);
    }

    private static IOrderedEnumerable<IGrouping<Norm, double>> BudgetsOfBareClassifier(
        IReadOnlyList<Outcome> outcomes
    ) =>
        outcomes
            .Where(outcome => outcome.Defense == EvaluationRow.Nothing && outcome.Norm is Norm.Linf or Norm.L2)
            .Where(outcome => outcome.Epsilon is not null)
            .GroupBy(outcome => outcome.Norm, outcome => outcome.Epsilon!.Value)
            .OrderByDescending(group => group.Key);

    // Which of some samples it fools, by the defender's verdict where there is a defense.
    private bool[] Search(RandomSearch search, Subject subject, IClassifier model, long[] samples)
    {
        using var scope = NewDisposeScope();
        (Tensor Images, bool[] Fooled)[] parts = OnPieces(
            model,
            samples,
            piece =>
            {
                Goal goal = GoalOf(piece);
                var images = new Images(test.Pixels.At(piece), piece);
                var batch = new Batch(images, goal, new SampleRandom(seed, piece));
                Tensor attempts = search.Perturb(model, batch, search.Epsilon);
                bool[] reached = goal.IsReached(model.Predict(images.With(attempts))).ToArray<bool>();
                return (attempts.MoveToOuterDisposeScope(), reached);
            }
        );
        bool[] fooled = [.. parts.SelectMany(part => part.Fooled)];
        long[] claimed = Rows.Where(fooled, true);
        if (subject.Defense is not null && claimed.Length > 0)
        {
            long[] claimedSamples = samples.At(claimed);
            Tensor attempts = cat([.. parts.Select(part => part.Images)]).At(claimed);
            using Verdict verdict = subject.Judge(new Images(attempts, claimedSamples));
            foreach (long row in claimed.At(Rows.Where(verdict.Holds(test.Truth.At(claimedSamples)), true)))
                fooled[row] = false;
        }

        foreach (var (images, _) in parts)
            images.Dispose();
        return fooled;
    }

    private Goal GoalOf(long[] samples) => Goal.Untargeted(tensor(test.Truth.At(samples)));

    // Equal parts for the workers, none of them large.
    private TPart[] OnPieces<TPart>(IPredictor model, long[] samples, Func<long[], TPart> work)
    {
        return Workers.Shared.MapRows(
            samples.Length,
            Workers.Shared.EqualShare(samples.Length, PassMemory.RowsAtOnce(model, RowsAtOnce)),
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                return work(samples[from..to]);
            },
            cancellation
        );
    }
}
