namespace Parry.Cli.Attacking;

/// <summary>What <c>parry label-flip --json</c> writes.</summary>
internal sealed record LabelFlipReport(
    string Data,
    string Net,
    int Count,
    int Epochs,
    long Seed,
    IReadOnlyList<LabelFlipRow> Rows,
    IReadOnlyList<string> Notes
);

/// <summary>
/// One kind of flip at one share. From, To and the accuracies on the class From are null unless the flip is targeted.
/// </summary>
internal sealed record LabelFlipRow(
    string Kind,
    double Share,
    int? From,
    int? To,
    int Flipped,
    double CleanAccuracy,
    double PoisonedAccuracy,
    double? CleanClassAccuracy,
    double? PoisonedClassAccuracy
);
