using System.Globalization;

namespace Parry.Generative.Gans;

/// <summary>
/// Early signs that the training of a GAN fails in a known way. Each method gives one line for the user, or null.
/// </summary>
public static class GanWarnings
{
    private const int Window = 5;
    private const double CollapsedGradient = 0.02;
    private const double LostLoss = 0.1;
    private const double BurstGradient = 1000;
    private const double LeastShare = 0.01;

    /// <summary>
    /// Says that the generator's gradient has vanished: its norm in the last five rows is below a fiftieth of that in
    /// the first five, while the discriminator's loss is below 0.1. The discriminator has won, and the generator no
    /// longer learns (Arjovsky and Bottou, 2017, 1701.04862).
    /// </summary>
    /// <param name="rows">The log of a training with a loss that has a floor (<see cref="GanLoss.HasFloor"/>).</param>
    public static string? VanishingGradient(IReadOnlyList<GanLogRow> rows)
    {
        if (rows.Count < 2 * Window)
            return null;
        double first = Mean(rows.Take(Window), step => step.GeneratorGradient);
        double last = Mean(rows.TakeLast(Window), step => step.GeneratorGradient);
        double loss = Mean(rows.TakeLast(Window), step => step.DiscriminatorLoss);
        return last < CollapsedGradient * first && loss < LostLoss
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"the generator's gradient vanishes (norm {last:G2}, {first:G2} at the start) while the "
                    + $"discriminator's loss is {loss:G2}: it has won; stop, or train with --kind wgan-gp"
            )
            : null;
    }

    /// <summary>
    /// Says that the training is about to diverge: the generator's gradient norm in the last row is above a thousand
    /// times that in the first five.
    /// </summary>
    public static string? Divergence(IReadOnlyList<GanLogRow> rows)
    {
        if (rows.Count <= Window)
            return null;
        double first = Mean(rows.Take(Window), step => step.GeneratorGradient);
        double last = rows[^1].Mean.GeneratorGradient;
        return last > BurstGradient * first
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"the generator's gradient bursts (norm {last:G2}, {first:G2} at the start): stop, and lower "
                    + $"--learning-rate"
            )
            : null;
    }

    /// <summary>The number of classes with a share of at least 1 %.</summary>
    /// <param name="counts">The number of samples that a classifier assigned to each class.</param>
    public static int ClassesCovered(IReadOnlyList<int> counts) =>
        counts.Count(count => count > 0 && count >= LeastShare * counts.Sum());

    /// <summary>Says that modes collapse: the generator draws fewer than eight of ten classes.</summary>
    /// <param name="counts">The number of samples that a classifier assigned to each class.</param>
    public static string? ModeCollapse(IReadOnlyList<int> counts)
    {
        int covered = ClassesCovered(counts);
        return covered < 0.8 * counts.Count
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"the samples show {covered} of {counts.Count} classes: the modes collapse"
            )
            : null;
    }

    private static double Mean(IEnumerable<GanLogRow> rows, Func<GanStep, double> of) =>
        rows.Average(row => of(row.Mean));
}
