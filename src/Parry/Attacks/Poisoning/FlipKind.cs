namespace Parry.Attacks.Poisoning;

/// <summary>Which labels a label flip changes, and to what.</summary>
public enum FlipKind
{
    /// <summary>Labels drawn at random, each to another class drawn at random: what careless labeling does.</summary>
    Random,

    /// <summary>Labels of one class drawn at random, all to one other class.</summary>
    Targeted,

    /// <summary>Labels chosen to cost the most accuracy.</summary>
    WorstCase,
}
