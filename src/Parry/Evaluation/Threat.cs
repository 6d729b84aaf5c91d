using System.Text.Json.Serialization;

namespace Parry.Evaluation;

/// <summary>What the attacker knows, from least to most.</summary>
public enum Threat
{
    /// <summary>There is no defense to know, or no attack.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>
    /// Neither the classifier nor the defense: images crafted on a substitute are shown to the defended classifier.
    /// </summary>
    [JsonStringEnumMemberName("black-box")]
    BlackBox,

    /// <summary>
    /// The classifier but not the defense: images crafted on the bare classifier are shown to the defended one.
    /// </summary>
    [JsonStringEnumMemberName("grey-box")]
    GreyBox,

    /// <summary>
    /// The classifier and the defense: the attacker attacks the defended classifier itself, and adapts to it.
    /// </summary>
    [JsonStringEnumMemberName("white-box")]
    WhiteBox,

    /// <summary>
    /// The classifier, the defense and the defender's random seed: the same restarts, the same noise.
    /// </summary>
    [JsonStringEnumMemberName("white-box-revisited")]
    WhiteBoxRevisited,
}

/// <summary>Separates attackers who know the defense from those who do not.</summary>
public static class Threats
{
    /// <summary>
    /// Whether there is a defense that the attacker does not know: such a number proves nothing by itself.
    /// </summary>
    public static bool IsUnaware(this Threat threat) => threat is Threat.BlackBox or Threat.GreyBox;

    /// <summary>Whether the attacker knows the defense.</summary>
    public static bool IsAware(this Threat threat) => threat is Threat.WhiteBox or Threat.WhiteBoxRevisited;
}
