using Parry.Attacks;
using Parry.Attacks.DecisionBased;
using Parry.Attacks.Steps;
using Parry.Defenses;
using Parry.Models;
using Parry.Reports;
using Parry.Torch;

namespace Parry.Evaluation;

/// <summary>What an evaluation measures of its own accord to tell whether attacks by gradients can be believed: <see cref="GradientMasking"/> words what it finds.</summary>
/// <param name="plan">The evaluation.</param>
/// <param name="images">Clean images, [N, C, H, W] in [0, 1].</param>
/// <param name="truth">Their labels.</param>
/// <param name="cancellation">Stops between pieces.</param>
internal sealed class GradientChecks(EvaluationPlan plan, Tensor images, long[] truth, CancellationToken cancellation)
{
    private const int RowsAtOnce = 128;

    // Behind a purifier each draw costs a purification.
    private const int Draws = 100, DrawsBehindPurifier = 10;

    /// <summary>Counts the images without a gradient of the cross entropy at the clean image: one gradient for each.</summary>
    public string? ZeroGradients(string name, IClassifier model, bool[] right)
    {
        long[][] pieces = [.. Rows.Where(right, true).Chunk(RowsAtOnce)];
        int without = Workers.Shared.Map(pieces.Length, i =>
        {
            using var frozen = Autograd.NoGrad();
            using var scope = new TensorScope();
            Goal goal = Goal.Untargeted(Tensor.From(truth.At(pieces[i])));
            Tensor steepest = model.For(pieces[i]).Gradient(images.At(pieces[i]), AttackLoss.CrossEntropy(goal)).Gradient.Abs().Amax([1, 2, 3]);
            return steepest.ToArray<float>().Count(value => !float.IsFinite(value) || value == 0);
        }, cancellation).Sum();
        return GradientMasking.OfZeroGradients(name, without, right.Count(r => r));
    }

    /// <summary>Searches at random, with each budget of the plan, among the images that no attack by gradients fooled within it.</summary>
    /// <param name="defense">The defense; null for the bare classifier.</param>
    /// <param name="model">The defended classifier as an attacker who knows the defense sees it.</param>
    /// <param name="outcomes">All attacks.</param>
    /// <param name="defend">The defender's verdict on images of some samples.</param>
    public string? RandomSearch(DefenseSpec? defense, IClassifier model, IEnumerable<Outcome> outcomes, Func<Tensor, long[], DefendedImages> defend)
    {
        string name = defense?.Name ?? EvaluationRow.Nothing;
        int draws = defense?.Purifier is null ? Draws : DrawsBehindPurifier;
        var found = new List<(string, int, int)>();
        var budgets = outcomes.Where(o => o.Defense == EvaluationRow.Nothing && o.Epsilon is not null && o.Norm is Norm.Linf or Norm.L2).Select(o => (o.Norm, Epsilon: o.Epsilon!.Value)).Distinct().Order();
        foreach (var (norm, epsilon) in budgets)
        {
            using var scope = new TensorScope();
            Outcome[] known = [.. outcomes.Where(o => (o.Norm, o.Epsilon, o.Defense) == (norm, epsilon, name) && !o.Threat.IsUnaware() && o.ByGradients == true)];
            if (known.Length == 0) continue;
            bool[] left = [.. truth.Select((_, i) => known.All(outcome => outcome.CleanRight[i] && outcome.AttackedRight[i]))];
            if (!left.Contains(true)) continue;
            using AttackResult result = AttackRunner.Run(new RandomSearch { Norm = norm, Epsilon = epsilon, Draws = draws }, model, images, Goal.Untargeted(Tensor.From(truth)), plan.Seed, left, cancellation: cancellation);
            long[] fooled = Rows.Where(result.Succeeded, true);
            if (defense is not null && fooled.Length > 0)
            {
                using DefendedImages shown = defend(result.Attempts.At(fooled), fooled);
                fooled = fooled.At(Rows.Where(shown.Holds(truth.At(fooled)), false));
            }

            found.Add((GradientMasking.Budget(norm.Name(), epsilon), fooled.Length, left.Count(l => l)));
        }

        return GradientMasking.OfRandomSearch(defense?.Name ?? "the bare classifier", draws, found);
    }
}
