using System.Text.Json.Serialization;

namespace Parry.Evaluation;

/// <summary>What the attacker knows, from least to most.</summary>
public enum Threat
{
    /// <summary>There is nothing to know of a defense: none stands before the classifier, or nobody attacks.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>
    /// Neither the classifier nor the defense: images made on a substitute are shown to the defended classifier.
    /// </summary>
    [JsonStringEnumMemberName("black-box")]
    BlackBox,

    /// <summary>
    /// The classifier but not the defense: images made on the bare classifier are shown to the defended one.
    /// </summary>
    [JsonStringEnumMemberName("grey-box")]
    GreyBox,

    /// <summary>
    /// The classifier and the defense: the attacker attacks the defended classifier itself, and adapts to it.
    /// </summary>
    [JsonStringEnumMemberName("white-box")]
    WhiteBox,

    /// <summary>All that, and the defender's random seed: the same restarts, the same noise.</summary>
    [JsonStringEnumMemberName("white-box-revisited")]
    WhiteBoxRevisited,
}

/// <summary>Tells attackers who know the defense from those who do not.</summary>
public static class Threats
{
    /// <summary>
    /// Whether the attacker faces a defense that he does not know: a number that proves nothing alone.
    /// </summary>
    public static bool IsUnaware(this Threat threat) => threat is Threat.BlackBox or Threat.GreyBox;

    /// <summary>Whether the attacker knows the defense.</summary>
    public static bool IsAware(this Threat threat) => threat is Threat.WhiteBox or Threat.WhiteBoxRevisited;
}
