using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>One defense, or none: how long an answer takes, and the accuracy under the strongest attacks.</summary>
/// <param name="Name">As the report spells it.</param>
/// <param name="Milliseconds">For one image.</param>
/// <param name="Clean">The accuracy on clean images.</param>
/// <param name="Static">The strongest attack of an attacker who does not know the defense; null for the bare
/// classifier, or where there is none.</param>
/// <param name="Adaptive">The worst one with an attacker who knows it; for the bare classifier the worst of
/// all.</param>
internal sealed record TimedDefense(
    string Name,
    double Milliseconds,
    double Clean,
    EvaluationRow? Static,
    EvaluationRow? Adaptive
)
{
    private const string BareName = "no defense";

    /// <summary>Whether it is the bare classifier.</summary>
    public bool IsBare => Static is null && Name == BareName;

    /// <summary>Whether attacks known to break it were not run, so that its numbers are upper bounds.</summary>
    public bool IsUpperBound { get; init; }

    /// <summary>The bare classifier and all defenses, the fastest first; empty without a defense.</summary>
    public static IReadOnlyList<TimedDefense> From(EvaluationReport report)
    {
        if (!report.Times.Any(time => time.Defense != EvaluationRow.Nothing))
            return [];
        return [.. report.Times.OrderBy(time => time.Milliseconds).Select(Of)];

        TimedDefense Of(AnswerTime time)
        {
            bool isBare = time.Defense == EvaluationRow.Nothing;
            return new TimedDefense(
                isBare ? BareName : ReportText.Name(time.Defense),
                time.Milliseconds,
                time.CleanAccuracy,
                StrongestAttack.On(report.Rows, time.Defense, Threats.IsUnaware),
                isBare
                    ? StrongestAttack.On(report.Rows, time.Defense, threat => threat == Threat.None)
                    : StrongestAttack.OfAware(report.Rows, time.Defense)
            )
            {
                IsUpperBound = report.KnownBreaksNotRun.ContainsKey(time.Defense),
            };
        }
    }
}
