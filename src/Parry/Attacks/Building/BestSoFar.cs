using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// For each row the nearest image that reached the goal; until there is one, that of the largest margin.
/// </summary>
public sealed class BestSoFar
{
    private readonly float[] _distances,
        _margins;

    /// <summary>Starts with the clean images [N, C, H, W], which it copies.</summary>
    public BestSoFar(Tensor images)
    {
        Images = images.clone();
        _distances = [.. Enumerable.Repeat(float.PositiveInfinity, (int)images.size(0))];
        _margins = [.. Enumerable.Repeat(float.NegativeInfinity, _distances.Length)];
    }

    /// <summary>The best image of each row.</summary>
    public Tensor Images { get; }

    /// <summary>Takes the better ones of some rows' points.</summary>
    /// <param name="rows">Their positions.</param>
    /// <param name="points">[rows, C, H, W].</param>
    /// <param name="margins">Positive where a point reaches the goal.</param>
    /// <param name="distances">From the clean images; null where all that reach the goal are alike.</param>
    public void Take(long[] rows, Tensor points, float[] margins, float[]? distances = null)
    {
        long[] better = Rows.Where(
            [
                .. rows.Select(
                    (row, i) =>
                        margins[i] > 0
                            ? (distances?[i] ?? 0) < _distances[row]
                            : float.IsPositiveInfinity(_distances[row]) && margins[i] > _margins[row]
                ),
            ],
            true
        );
        if (better.Length == 0)
            return;
        Images.Put(rows.At(better), better.Length == rows.Length ? points : points.At(better));
        foreach (long i in better)
        {
            _margins[rows[i]] = margins[i];
            if (margins[i] > 0)
                _distances[rows[i]] = distances?[i] ?? 0;
        }
    }
}
