namespace Parry.Reports;

/// <summary>
/// One threshold of a detector: which fraction of clean images (false) and of attacked images (true) it reports.
/// </summary>
/// <param name="Fpr">The false positive rate, in [0, 1].</param>
/// <param name="Tpr">The true positive rate, in [0, 1].</param>
public readonly record struct RocPoint(double Fpr, double Tpr);
