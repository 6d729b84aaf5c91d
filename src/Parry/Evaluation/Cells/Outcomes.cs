namespace Parry.Evaluation.Cells;

/// <summary>The outcomes of the cells of a plan, in the order of a report's rows.</summary>
internal sealed class Outcomes
{
    private readonly List<Outcome> _measured = [];
    private readonly List<Outcome> _best = [];
    private readonly List<Cell> _cells = [];

    /// <summary>The cells of which all is known.</summary>
    public IReadOnlyList<Cell> Cells => _cells;

    /// <summary>The outcome of every attack by itself.</summary>
    public IReadOnlyList<Outcome> Measured => _measured;

    /// <summary>
    /// The outcomes as rows count them: an attacker who knows a defense keeps, for each image, the best result of any
    /// attacker who knows less.
    /// </summary>
    public IReadOnlyList<Outcome> Best => _best;

    /// <summary>Counts the cells of a plan of which all is known.</summary>
    /// <param name="plan">The evaluation.</param>
    /// <param name="cells">Its cells.</param>
    /// <param name="known">What was measured of a cell; null where something is missing.</param>
    public static Outcomes Of(EvaluationPlan plan, PlannedCells cells, Func<CellName, IReadOnlyList<CellPart>?> known)
    {
        var outcomes = new Outcomes();
        foreach (PlannedAttack attack in plan.Attacks)
        {
            outcomes.AddByBudget(cells.Unaware(attack), known);
            foreach (Cell cell in cells.Defended.SelectMany(subject => cells.Aware(attack, subject)))
                outcomes.AddByBudget([cell], known);
        }

        foreach (Subject subject in cells.Defended)
        {
            foreach (Cell cell in (cells.Breaks(subject) ?? []).SelectMany(attack => cells.Aware(attack, subject)))
                outcomes.AddByBudget([cell], known);
        }

        return outcomes;
    }

    /// <summary>Adds cells that were measured at the same budgets, budget by budget.</summary>
    public void AddByBudget(IEnumerable<Cell> cells, Func<CellName, IReadOnlyList<CellPart>?> known)
    {
        var measured = new List<(Cell Cell, IReadOnlyList<CellPart> Parts)>();
        foreach (Cell cell in cells)
        {
            if (known(cell.Name) is { } parts)
            {
                measured.Add((cell, parts));
                _cells.Add(cell);
            }
        }

        int budgets = measured.Count == 0 ? 0 : measured[0].Parts[0].Epsilons.Count;
        for (int budget = 0; budget < budgets; budget++)
        {
            foreach (var (cell, parts) in measured)
                Add(Outcome.Of(cell, parts, budget));
        }
    }

    private void Add(IEnumerable<Outcome> outcomes)
    {
        foreach (Outcome outcome in outcomes)
        {
            _measured.Add(outcome);
            _best.Add(outcome.Threat.IsAware() ? LesserAttackers(outcome).Aggregate(outcome, OrBetter) : outcome);
        }
    }

    private Outcome[] LesserAttackers(Outcome outcome) =>
        [
            .. _best.Where(other =>
                (other.Attack, other.Epsilon, other.Defense) == (outcome.Attack, outcome.Epsilon, outcome.Defense)
                && other.Threat < outcome.Threat
            ),
        ];

    private static Outcome OrBetter(Outcome best, Outcome lesser) => best.OrBetter(lesser);
}
