using System.Text.Json.Serialization;
using Parry.Models.Http;

namespace Parry.Cli.Attacking;

/// <summary>
/// What <c>parry attack --json</c> writes. For a model served over HTTP also how much it was used. The failure says why
/// rows are missing, if some are: an attack or the model failed, or the run was stopped.
/// </summary>
internal sealed record AttackReport(
    string Model,
    string Data,
    IReadOnlyList<AttackRow> Rows,
    IReadOnlyList<string> Notes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] EndpointUse? Endpoint = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Failure = null
);
