namespace Parry.Attacks.Building;

/// <summary>Reports the progress of one of several parts of equal length as that of the whole.</summary>
/// <param name="whole">Told the share of the whole that is done; null for nobody.</param>
/// <param name="part">The number of the part, from 0.</param>
/// <param name="parts">The number of parts.</param>
public sealed class PartOfProgress(IProgress<double>? whole, int part, int parts) : IProgress<double>
{
    /// <summary>Takes the share of the part that is done.</summary>
    public void Report(double value) => whole?.Report((part + value) / parts);
}
