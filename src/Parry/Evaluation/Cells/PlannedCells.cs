using Parry.Attacks;
using Parry.Defenses;
using Parry.Models;

namespace Parry.Evaluation.Cells;

/// <summary>The cells that a plan expands to, in the order of a report's rows.</summary>
internal sealed class PlannedCells
{
    private readonly EvaluationPlan _plan;

    /// <summary>Expands a plan.</summary>
    public PlannedCells(EvaluationPlan plan)
    {
        _plan = plan;
        Bare = new Subject(plan, null);
        Defended = [.. plan.Defenses.Select(defense => new Subject(plan, defense))];
        Ranges = ImageRange.Of(plan.Images);
    }

    /// <summary>The classifier without a defense.</summary>
    public Subject Bare { get; }

    /// <summary>The classifier behind each defense.</summary>
    public IReadOnlyList<Subject> Defended { get; }

    /// <summary>All classifiers.</summary>
    public IEnumerable<Subject> Subjects => [Bare, .. Defended];

    /// <summary>The ranges of images.</summary>
    public IReadOnlyList<ImageRange> Ranges { get; }

    /// <summary>The names of all cells, those of the clean images included.</summary>
    public IEnumerable<CellName> Names =>
        [
            .. Subjects.Select(CellName.Clean),
            .. _plan.Attacks.SelectMany(attack => Unaware(attack)).Select(cell => cell.Name),
            .. Defended.SelectMany(subject => AllAware(subject)).Select(cell => cell.Name),
        ];

    /// <summary>
    /// The attack on the bare classifier, or on its substitute, and behind it the same images shown to each defense by
    /// an attacker who does not know it.
    /// </summary>
    public Cell[] Unaware(PlannedAttack attack)
    {
        Threat unaware = attack.Source is null ? Threat.GreyBox : Threat.BlackBox;
        return [new Cell(attack, Bare, Threat.None), .. Defended.Select(subject => new Cell(attack, subject, unaware))];
    }

    /// <summary>The attack by an attacker who knows the defense, and by one who also knows its random seed.</summary>
    public IEnumerable<Cell> Aware(PlannedAttack attack, Subject subject)
    {
        if (!_plan.AwareAttackers)
            yield break;
        yield return new Cell(attack, subject, Threat.WhiteBox);
        if (_plan.Revisited && subject.IsRandom)
            yield return new Cell(attack, subject, Threat.WhiteBoxRevisited);
    }

    /// <summary>
    /// The attacks known to break a defense, which follow the gradients of the classifier behind it; null where they
    /// are not to run or cannot.
    /// </summary>
    public IReadOnlyList<PlannedAttack>? Breaks(Subject subject)
    {
        DefenseSpec defense = subject.Defense!;
        if (!_plan.KnownBreaks || !_plan.AwareAttackers || ClassifierBehind(defense) is not { } behind)
            return defense.Breaks.Count == 0 ? [] : null;
        return [.. defense.Breaks.Select(Break)];

        PlannedAttack Break(KnownBreak known)
        {
            IAttack<IClassifier> against = known.Against(defense, behind);
            double[] budgets =
            [
                .. _plan
                    .Attacks.Where(attack => attack.Attack.Norm == against.Norm)
                    .SelectMany(attack => attack.Epsilons ?? [])
                    .Distinct()
                    .Order(),
            ];
            return new PlannedAttack(known.Name, against, budgets.Length == 0 ? null : budgets) { IsKnownBreak = true };
        }
    }

    /// <summary>All attacks by attackers who know a defense, those known to break it included.</summary>
    public IEnumerable<Cell> AllAware(Subject subject) =>
        _plan.Attacks.Concat(Breaks(subject) ?? []).SelectMany(attack => Aware(attack, subject));

    /// <summary>
    /// The classifier behind a defense as an attacker differentiates it; null if it shows too little.
    /// </summary>
    public IClassifier? ClassifierBehind(DefenseSpec defense) =>
        (defense.AttackersClassifier ?? defense.Behind(_plan.Model)) as IClassifier;
}
