using System.Globalization;
using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses;

namespace Parry.Evaluation.Cells;

/// <summary>Counts rows, curves, notes and warnings from the records of a plan's cells.</summary>
/// <param name="plan">The evaluation.</param>
/// <param name="cells">Its cells.</param>
/// <param name="store">What was measured.</param>
/// <param name="log">What there is to say beside it.</param>
internal sealed class Summary(EvaluationPlan plan, PlannedCells cells, CellStore store, EvaluationLog log)
{
    private const double MostLost = 0.1;

    /// <summary>The findings by now: of what was measured on all images.</summary>
    /// <param name="why">Why the evaluation ends early; null if it does not.</param>
    /// <returns>Null if nothing was measured on all images.</returns>
    public EvaluationFindings? Findings(string? why = null)
    {
        EvaluationRow[] clean = [.. cells.Subjects.Select(Clean).OfType<EvaluationRow>()];
        if (clean.Length == 0)
            return null;
        Outcomes outcomes = Outcomes.Of(plan, cells, store.Whole);
        EvaluationRow[] rows = [.. clean, .. outcomes.Best.Select(outcome => outcome.ToRow(plan))];
        Cell[] measured = [.. outcomes.Cells];
        string[] early = why is null
            ? []
            : [$"This evaluation stopped early and holds only the results found by then: {why}."];
        return new EvaluationFindings(
            why is null ? [.. rows, .. WorstCase.Rows(outcomes.Measured, plan)] : rows,
            [.. measured.SelectMany(Rocs)],
            [.. measured.SelectMany(Pictures)],
            [.. clean.Select(Time).OfType<AnswerTime>()],
            [.. early, .. log.Notes, .. measured.SelectMany(Notes).Distinct()],
            why is null ? Warnings(outcomes) : []
        )
        {
            Failure = Failure(why),
            KnownBreaksNotRun = log.KnownBreaksNotRun,
            Caveats = clean
                .Where(row => row.Defense != EvaluationRow.Nothing)
                .ToDictionary(row => row.Defense, Caveats),
        };

        IReadOnlyList<string> Caveats(EvaluationRow row) =>
            [.. CaveatsOf(cells.Defended.Single(subject => subject.Name == row.Defense).Defense!, row, clean[0])];
    }

    /// <summary>What a part of an evaluation has to say of which nothing can be counted yet.</summary>
    public EvaluationFindings OfPart() => new([], [], [], [], log.Notes, []) { Failure = Failure(why: null) };

    private string? Failure(string? why)
    {
        string[] failures = [.. log.Failures.Select(failure => failure.Failure), .. new[] { why }.OfType<string>()];
        return failures.Length == 0 ? null : string.Join("; ", failures);
    }

    private EvaluationRow? Clean(Subject subject)
    {
        if (store.Whole(CellName.Clean(subject)) is not { } parts)
            return null;
        SampleRecord[] samples = [.. parts.SelectMany(part => part.Samples)];
        int correct = samples.Count(sample => sample.CleanCorrect);
        return new EvaluationRow
        {
            Model = plan.ModelName,
            Data = plan.DataName,
            Attack = EvaluationRow.Nothing,
            Norm = null,
            Epsilon = null,
            Defense = subject.Name,
            Threat = Threat.None,
            Count = samples.Length,
            CleanCorrect = correct,
            RobustCorrect = correct,
            Attacked = 0,
            Succeeded = 0,
            MedianDistance = null,
            Gradients = 0,
            Queries = 0,
            Seconds = 0,
            Seed = plan.Seed,
            Refused = subject.CanRefuse ? samples.Count(sample => sample.Results[0].Refused) : null,
        };
    }

    private AnswerTime? Time(EvaluationRow clean) =>
        store.Times.TryGetValue(clean.Defense, out double milliseconds)
            ? new AnswerTime(clean.Defense, milliseconds, clean.CleanAccuracy)
            : null;

    private IEnumerable<RocCurve> Rocs(Cell cell) =>
        store.Whole(cell.Name) is { } parts && store.Whole(CellName.Clean(cell.Subject)) is { } clean
            ? Enumerable.Range(0, parts[0].Epsilons.Count).SelectMany(budget => Roc.Curves(cell, clean, parts, budget))
            : [];

    private IEnumerable<GalleryRow> Pictures(Cell cell) => store.Whole(cell.Name)?[0].Gallery ?? [];

    private IEnumerable<string> Notes(Cell cell)
    {
        IReadOnlyList<CellPart> parts = store.Whole(cell.Name)!;
        string title = cell.Threat switch
        {
            Threat.WhiteBox => $"{cell.Subject.Title}, adaptive",
            Threat.WhiteBoxRevisited => $"{cell.Subject.Title}, adaptive with its seed",
            _ => cells.Bare.Title,
        };
        if (parts[0].Training is { Images: > 0 } training && !cell.Threat.IsUnaware())
            yield return Cost(cell.Attack, title, training);
        for (int budget = 0; budget < parts[0].Epsilons.Count; budget++)
        {
            SampleResult[] attacked =
            [
                .. parts.SelectMany(part => part.Samples).Select(one => one.Results[budget]).Where(one => one.Attacked),
            ];
            int succeeded = attacked.Count(one => one.Succeeded);
            if (StartingPoint.Missing(cell.Attack.Attack, attacked.Length, succeeded) is { } note)
                yield return $"On {title}, {note}.";
        }
    }

    private string Cost(PlannedAttack attack, string title, AttackTraining training) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{attack.Name} learned to attack {title} from {training.Images:N0} images of "
                + $"{plan.TrainingImages?.Name} on which it is not evaluated, with {training.Queries:N0} queries and "
                + $"{training.Gradients:N0} gradients in {training.Seconds:0.0} s. Its rows do not include this cost."
        );

    private IEnumerable<string> CaveatsOf(DefenseSpec defense, EvaluationRow clean, EvaluationRow bare)
    {
        if (defense.WeakerCopy is { } weaker)
            yield return $"the attacker's copy is cheaper than the defender's: {weaker}";
        int lost = bare.CleanCorrect - clean.CleanCorrect;
        if (lost > MostLost * clean.Count)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"it costs {100.0 * lost / clean.Count:0} points of clean accuracy: "
                    + $"{bare.CleanCorrect} of {clean.Count} images are right without it, {clean.CleanCorrect} with it"
            );
        foreach (var (_, attack, _) in log.Failures.Where(failure => failure.Defense == defense.Name))
            yield return $"{attack} failed on it, so its numbers are upper bounds";
    }

    private List<string> Warnings(Outcomes outcomes)
    {
        IEnumerable<string> ofGradients = cells.Subjects.SelectMany(subject =>
            WeakAttackWarnings.OfGradients(subject, store.Checks(subject))
        );
        return [.. new WeakAttackWarnings(plan, outcomes).OfRows(), .. ofGradients];
    }
}
