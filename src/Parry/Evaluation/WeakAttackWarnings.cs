using Parry.Attacks;
using Parry.Evaluation.Cells;
using Parry.Models;

namespace Parry.Evaluation;

/// <summary>Checks, at the end of an evaluation, whether its attacks were strong enough to trust.</summary>
/// <param name="plan">The evaluation.</param>
/// <param name="test">The clean images.</param>
/// <param name="stages">Told what begins.</param>
/// <param name="records">What was found.</param>
internal sealed class WeakAttackWarnings(
    EvaluationPlan plan,
    TestImages test,
    EvaluationStages stages,
    EvaluationRecords records
)
{
    /// <summary>How many images are searched for gradients that are zero, at most.</summary>
    public int MostImages { get; init; } = int.MaxValue;

    /// <summary>How many images are searched at random, at most.</summary>
    public int MostSearched { get; init; } = int.MaxValue;

    /// <summary>Measures on each classifier whose gradients can be seen, and words the warnings.</summary>
    public List<string> Measure(IEnumerable<Subject> subjects)
    {
        List<string> warnings =
        [
            .. GradientMasking.Warnings(Rows(_ => true), [.. records.Outcomes.Select(outcome => outcome.ToRow(plan))]),
            .. GradientMasking.OfManySteps(
                Rows(outcome => outcome.GradientSteps == GradientSteps.One),
                Rows(outcome => outcome.GradientSteps == GradientSteps.Many)
            ),
            .. GradientMasking.OfBlindAttacks(
                Rows(outcome => outcome.FollowsGradients == true),
                Rows(outcome => outcome.FollowsGradients == false)
            ),
        ];
        var checks = new GradientChecks(plan.Seed, test, stages.Cancellation)
        {
            MostImages = MostImages,
            MostSearched = MostSearched,
        };
        foreach (Subject subject in subjects)
        {
            if (subject.KnownTo(plan.Model, weight: 1) is not IClassifier model)
                continue;
            stages.Begin($"random search on {subject.Title}");
            if (checks.ZeroGradients(subject, model) is { } zero)
                warnings.Add(zero);
            if (checks.RandomSearch(subject, model, records.Outcomes) is { } missed)
                warnings.Add(missed);
        }

        return warnings;
    }

    private EvaluationRow[] Rows(Func<Outcome, bool> chosen) =>
        [.. records.Measured.Where(chosen).Select(outcome => outcome.ToRow(plan))];
}
