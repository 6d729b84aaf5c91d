using System.Text.Json.Serialization;

namespace Parry.Cli.Doctor;

/// <summary>How one check went.</summary>
internal enum CheckStatus
{
    /// <summary>As it should be.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>It works, but not as well as it could.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>It is not there.</summary>
    [JsonStringEnumMemberName("missing")]
    Missing,
}
