using System.Text.Json.Serialization;
using Parry.Models.Http;

namespace Parry.Cli.Attacking;

/// <summary>
/// What <c>parry attack --json</c> writes. For a model served over HTTP also how much it was used, and why it failed if
/// it did; rows are then missing.
/// </summary>
internal sealed record AttackReport(
    string Model,
    string Data,
    IReadOnlyList<AttackRow> Rows,
    IReadOnlyList<string> Notes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] EndpointUse? Endpoint = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Failure = null
);
