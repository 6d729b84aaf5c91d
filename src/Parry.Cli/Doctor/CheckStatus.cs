using System.Text.Json.Serialization;

namespace Parry.Cli.Doctor;

/// <summary>The outcome of one check.</summary>
internal enum CheckStatus
{
    /// <summary>As it should be.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>It works, but could work better.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>It is missing.</summary>
    [JsonStringEnumMemberName("missing")]
    Missing,
}
