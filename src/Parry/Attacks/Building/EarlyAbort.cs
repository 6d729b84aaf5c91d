namespace Parry.Attacks.Building;

/// <summary>
/// The early abort of Carlini and Wagner, for each image by itself: an image whose loss has not fallen by 0.01 % over
/// a tenth of the iterations stops.
/// </summary>
/// <param name="count">The number of images.</param>
/// <param name="iterations">The largest number of iterations.</param>
public sealed class EarlyAbort(int count, int iterations)
{
    private readonly int _stretch = Math.Max(1, iterations / 10);
    private float[] _before = [.. Enumerable.Repeat(float.PositiveInfinity, count)];

    /// <summary>The rows that go on after an iteration; the next call expects the losses of these alone.</summary>
    /// <param name="iteration">1 for the first.</param>
    /// <param name="losses">One per row that still takes part.</param>
    public long[] Remaining(int iteration, float[] losses)
    {
        if (iteration % _stretch != 0)
            return Rows.All(losses.Length);
        long[] stay = Rows.Where([.. losses.Zip(_before, (loss, before) => loss <= 0.9999 * before)], true);
        _before = losses.At(stay);
        return stay;
    }
}
