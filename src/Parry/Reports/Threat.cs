using System.Text.Json.Serialization;

namespace Parry.Reports;

/// <summary>What the attacker knows of the defense.</summary>
public enum Threat
{
    /// <summary>There is nothing to know: no defense stands before the classifier, or nobody attacks.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>The attacker does not know the defense: images made on the bare classifier are shown to the defended one.</summary>
    [JsonStringEnumMemberName("static")]
    Static,

    /// <summary>The attacker knows the defense and attacks the defended classifier itself.</summary>
    [JsonStringEnumMemberName("adaptive")]
    Adaptive,
}
