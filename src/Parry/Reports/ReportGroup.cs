using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>
/// One line of a report's table: one attack at one budget, measured without the defense, against the defense by an
/// attacker who does not know it, and by one who does. What is null was not measured.
/// </summary>
public sealed record ReportGroup
{
    /// <summary>The classifier.</summary>
    public required string Model { get; init; }

    /// <summary>The image set.</summary>
    public required string Data { get; init; }

    /// <summary>The attack; <see cref="EvaluationRow.Nothing"/> on the line for clean images.</summary>
    public required string Attack { get; init; }

    /// <summary>The attack's norm.</summary>
    public required string? Norm { get; init; }

    /// <summary>The attack's budget; null for an attack without one.</summary>
    public required double? Epsilon { get; init; }

    /// <summary>The seed of the measurements; 0 on the line for clean images.</summary>
    public required long Seed { get; init; }

    /// <summary>The defense; <see cref="EvaluationRow.Nothing"/> when the report has none at all.</summary>
    public required string Defense { get; init; }

    /// <summary>The attack on the bare classifier.</summary>
    public required EvaluationRow? Undefended { get; init; }

    /// <summary>The defended classifier against an attacker who does not know the defense.</summary>
    public required EvaluationRow? Static { get; init; }

    /// <summary>The defended classifier against an attacker who knows the defense.</summary>
    public required EvaluationRow? Adaptive { get; init; }

    /// <summary>
    /// Whether this is the line for clean images, where static and adaptive are the same measurement.
    /// </summary>
    public bool IsClean => Attack == EvaluationRow.Nothing;

    /// <summary>Whether the line has a defense.</summary>
    public bool IsDefended => Defense != EvaluationRow.Nothing;

    /// <summary>Whether there is a static number without an adaptive one, which proves nothing.</summary>
    public bool LacksAdaptive => Static is not null && Adaptive is null;

    /// <summary>Whether the attack is known to break the defense, and was not run.</summary>
    public bool IsBreakNotRun { get; init; }

    /// <summary>What stands in the place of a budget: the budget, or what kind of line it is.</summary>
    internal string Budget =>
        IsClean ? "clean images"
        : IsBreakNotRun ? "known break"
        : ReportText.Budget(Norm, Epsilon);

    /// <summary>Arranges the measurements of a report, and after them the known breaks that were not run.</summary>
    public static IReadOnlyList<ReportGroup> From(EvaluationReport report)
    {
        IReadOnlyList<ReportGroup> lines = From(report.Rows);
        return
        [
            .. lines,
            .. from line in lines
            where line.IsClean && report.KnownBreaksNotRun.ContainsKey(line.Defense)
            from name in report.KnownBreaksNotRun[line.Defense]
            select line with
            {
                Attack = name,
                Undefended = null,
                Static = null,
                Adaptive = null,
                IsBreakNotRun = true,
            },
        ];
    }

    /// <summary>
    /// Arranges measurements as a table: for each model and data set first the clean lines, then the attacks, each in
    /// the order of first appearance and crossed with every defense. Of two rows for the same cell the lower robust
    /// accuracy is taken.
    /// </summary>
    public static IReadOnlyList<ReportGroup> From(IEnumerable<EvaluationRow> rows)
    {
        var groups = new List<ReportGroup>();
        foreach (var subject in rows.GroupBy(row => (row.Model, row.Data)))
        {
            string[] defenses =
            [
                .. subject.Select(row => row.Defense).Where(name => name != EvaluationRow.Nothing).Distinct(),
            ];
            if (defenses.Length == 0)
                defenses = [EvaluationRow.Nothing];

            EvaluationRow? bare = Clean(subject, EvaluationRow.Nothing);
            foreach (string defense in defenses)
            {
                EvaluationRow? defended = defense == EvaluationRow.Nothing ? null : Clean(subject, defense);
                groups.Add(
                    Line(subject.Key, (EvaluationRow.Nothing, null, null, 0), defense, bare, defended, defended)
                );
            }

            foreach (
                var attack in subject
                    .Where(row => row.Attack != EvaluationRow.Nothing)
                    .GroupBy(row => (row.Attack, row.Norm, row.Epsilon, row.Seed))
            )
            {
                bool isKnownBreak = attack.Any(row => row.IsKnownBreak);
                foreach (string defense in defenses)
                {
                    // A known break belongs to the defenses that it breaks.
                    if (isKnownBreak && !attack.Any(row => row.Defense == defense))
                        continue;
                    groups.Add(
                        Line(
                            subject.Key,
                            attack.Key,
                            defense,
                            Lowest(attack, EvaluationRow.Nothing, threat => threat == Threat.None),
                            Lowest(attack, defense, Threats.IsUnaware),
                            Lowest(attack, defense, Threats.IsAware)
                        )
                    );
                }
            }
        }

        return groups;
    }

    private static EvaluationRow? Lowest(IEnumerable<EvaluationRow> rows, string defense, Func<Threat, bool> knows) =>
        rows.Where(row => row.Defense == defense && knows(row.Threat)).MinBy(row => row.RobustAccuracy);

    // Every row has the accuracy on clean images, so there is a clean line even without a row for it.
    private static EvaluationRow? Clean(IEnumerable<EvaluationRow> rows, string defense)
    {
        EvaluationRow? row = rows.Where(row => row.Defense == defense)
            .MinBy(row => row.Attack == EvaluationRow.Nothing ? 0 : 1);
        return row is null
            ? null
            : row with
            {
                Attack = EvaluationRow.Nothing,
                Norm = null,
                Epsilon = null,
                Threat = Threat.None,
                MedianDistance = null,
                Gradients = 0,
                Queries = 0,
                Seconds = 0,
                RobustCorrect = row.CleanCorrect,
                Attacked = 0,
                Succeeded = 0,
            };
    }

    private static ReportGroup Line(
        (string Model, string Data) subject,
        (string Attack, string? Norm, double? Epsilon, long Seed) attack,
        string defense,
        EvaluationRow? undefended,
        EvaluationRow? unaware,
        EvaluationRow? aware
    ) =>
        new()
        {
            Model = subject.Model,
            Data = subject.Data,
            Attack = attack.Attack,
            Norm = attack.Norm,
            Epsilon = attack.Epsilon,
            Seed = attack.Seed,
            Defense = defense,
            Undefended = undefended,
            Static = unaware,
            Adaptive = aware,
        };
}
