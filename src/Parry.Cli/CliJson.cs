using System.Text.Json.Serialization;
using Parry.Cli.Attacking;
using Parry.Cli.Inspecting;
using Parry.Cli.Measuring;
using Parry.Cli.Verbs;
using Parry.Reports;

namespace Parry.Cli;

/// <summary>What the verbs write as JSON; names in snake_case, as in reports.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true
)]
[JsonSerializable(typeof(AttackReport))]
[JsonSerializable(typeof(IReadOnlyList<AttackListVerb.ListedAttack>))]
[JsonSerializable(typeof(CertifyReport))]
[JsonSerializable(typeof(LabelFlipReport))]
[JsonSerializable(typeof(DoctorVerb.DoctorReport))]
[JsonSerializable(typeof(DataListVerb.DataListing))]
[JsonSerializable(typeof(ModelListVerb.ModelListing))]
[JsonSerializable(typeof(ModelContents))]
[JsonSerializable(typeof(GanContents))]
[JsonSerializable(typeof(QualityReport))]
[JsonSerializable(typeof(PairsReport))]
[JsonSerializable(typeof(PhotoReport))]
[JsonSerializable(typeof(TransferReport))]
[JsonSerializable(typeof(VerifyReport))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class CliJson : JsonSerializerContext;
