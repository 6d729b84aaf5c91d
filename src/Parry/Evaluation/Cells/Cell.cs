namespace Parry.Evaluation.Cells;

/// <summary>One attack on one classifier, bare or defended, by an attacker with some knowledge.</summary>
/// <param name="Attack">The attack.</param>
/// <param name="Subject">The classifier.</param>
/// <param name="Threat">What the attacker knows.</param>
internal sealed record Cell(PlannedAttack Attack, Subject Subject, Threat Threat)
{
    public CellName Name => new(Attack.Name, Subject.Name, Threat);
}

/// <summary>The name of a cell within its plan.</summary>
/// <param name="Attack">The attack's name; <see cref="EvaluationRow.Nothing"/> for the clean images.</param>
/// <param name="Defense">The defense's name; <see cref="EvaluationRow.Nothing"/> for the bare classifier.</param>
/// <param name="Threat">What the attacker knows.</param>
internal readonly record struct CellName(string Attack, string Defense, Threat Threat)
{
    /// <summary>The clean images.</summary>
    public static CellName Clean(Subject subject) => new(EvaluationRow.Nothing, subject.Name, Threat.None);

    /// <inheritdoc/>
    public override string ToString() =>
        (Attack, Defense) switch
        {
            (EvaluationRow.Nothing, EvaluationRow.Nothing) => "clean images",
            (EvaluationRow.Nothing, _) => $"clean images on {Defense}",
            (_, EvaluationRow.Nothing) => Attack,
            _ => $"{Attack} on {Defense}, {ThreatText}",
        };

    private string ThreatText =>
        Threat switch
        {
            Threat.BlackBox => "black box",
            Threat.GreyBox => "grey box",
            Threat.WhiteBox => "white box",
            Threat.WhiteBoxRevisited => "white box revisited",
            _ => "no attacker",
        };
}
