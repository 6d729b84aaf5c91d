using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Keeps for each image the nearest point that reached the goal, the last of equally near ones; until there is one, the
/// point of the largest margin.
/// </summary>
/// <param name="images">The clean images [N, C, H, W].</param>
public sealed class BestSoFar(Tensor images)
{
    private readonly float[] _distances = [.. Enumerable.Repeat(float.PositiveInfinity, (int)images.size(0))];
    private readonly float[] _margins = [.. Enumerable.Repeat(float.NegativeInfinity, (int)images.size(0))];

    /// <summary>The best point of each image, [N, C, H, W]; the clean image until a point was taken.</summary>
    public Tensor Images { get; } = images.clone();

    /// <summary>Their distances, one per image; infinite until a point has reached the goal.</summary>
    public IReadOnlyList<float> Distances => _distances;

    /// <summary>Takes the points that are better than what was kept.</summary>
    /// <param name="points">[rows, C, H, W].</param>
    /// <param name="margins">Positive where a point reaches the goal, one per point.</param>
    /// <param name="distances">From the clean images, one per point; null where all that reach the goal are as
    /// good.</param>
    /// <param name="rows">The images that the points belong to; null for all.</param>
    /// <returns>The images whose points reach the goal.</returns>
    public long[] Take(Tensor points, Tensor margins, Tensor? distances = null, long[]? rows = null)
    {
        float[] margin = margins.ToArray<float>();
        float[]? distance = distances?.ToArray<float>();
        var better = new List<long>();
        var successes = new List<long>();
        for (int i = 0; i < margin.Length; i++)
        {
            long row = rows?[i] ?? i;
            bool reached = margin[i] > 0;
            if (reached)
                successes.Add(row);
            bool isBetter = reached
                ? (distance?[i] ?? 0) <= _distances[row]
                : float.IsInfinity(_distances[row]) && margin[i] > _margins[row];
            if (!isBetter)
                continue;
            better.Add(i);
            _margins[row] = margin[i];
            if (reached)
                _distances[row] = distance?[i] ?? 0;
        }

        if (better.Count > 0)
        {
            long[] taken = [.. better];
            Images.Put(rows?.At(taken) ?? taken, taken.Length == margin.Length ? points : points.At(taken));
        }

        return [.. successes];
    }
}
