using Parry.Attacks;
using Parry.Evaluation.Cells;

namespace Parry.Evaluation;

/// <summary>Words, at the end of an evaluation, the signs that its attacks were too weak to trust.</summary>
/// <param name="plan">The evaluation.</param>
/// <param name="outcomes">What its attacks did.</param>
internal sealed class WeakAttackWarnings(EvaluationPlan plan, Outcomes outcomes)
{
    /// <summary>The warnings that the rows give.</summary>
    public IReadOnlyList<string> OfRows() =>
        [
            .. GradientMasking.Warnings(Rows(_ => true), [.. outcomes.Best.Select(outcome => outcome.ToRow(plan))]),
            .. GradientMasking.OfManySteps(
                Rows(outcome => outcome.GradientSteps == GradientSteps.One),
                Rows(outcome => outcome.GradientSteps == GradientSteps.Many)
            ),
            .. GradientMasking.OfBlindAttacks(
                Rows(outcome => outcome.FollowsGradients == true),
                Rows(outcome => outcome.FollowsGradients == false)
            ),
        ];

    /// <summary>The warnings that a classifier's gradients give.</summary>
    /// <param name="subject">The classifier.</param>
    /// <param name="checks">What was measured of its gradients, range by range.</param>
    public static IEnumerable<string> OfGradients(Subject subject, IReadOnlyList<GradientCheck> checks)
    {
        if (checks.Count == 0)
            return [];
        int zero = checks.Sum(check => check.Zero);
        int flat = checks.Sum(check => check.Flat);
        int correct = checks.Sum(check => check.Correct);
        (string, int, int)[] found =
        [
            .. checks
                .SelectMany(check => check.Searches)
                .GroupBy(search => (search.Norm, search.Epsilon))
                .Select(budget =>
                    (
                        GradientMasking.Budget(budget.Key.Norm.Name(), budget.Key.Epsilon),
                        budget.Sum(search => search.Fooled),
                        budget.Sum(search => search.Left)
                    )
                ),
        ];
        string?[] warnings =
        [
            GradientMasking.OfZeroGradients(subject.Title, zero, flat, correct),
            GradientMasking.OfRandomSearch(subject.Title, checks[0].Draws, subject.IsRandom, found),
        ];
        return warnings.OfType<string>();
    }

    private EvaluationRow[] Rows(Func<Outcome, bool> chosen) =>
        [.. outcomes.Measured.Where(chosen).Select(outcome => outcome.ToRow(plan))];
}
