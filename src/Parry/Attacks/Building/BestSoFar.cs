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
    private readonly Tensor _margins = full([images.size(0), 1, 1, 1], double.NegativeInfinity);

    /// <summary>The best point of each image, [N, C, H, W]; the clean image until a point was taken.</summary>
    public Tensor Images { get; } = images.clone();

    /// <summary>Their distances, [N, 1, 1, 1]; infinite until a point has reached the goal.</summary>
    public Tensor Distances { get; } = full([images.size(0), 1, 1, 1], double.PositiveInfinity);

    /// <summary>Takes the points that are better than what was kept.</summary>
    /// <param name="points">[rows, C, H, W].</param>
    /// <param name="margins">Positive where a point reaches the goal, one per point.</param>
    /// <param name="distances">From the clean images, one per point; null where all that reach the goal are as good.</param>
    /// <param name="rows">The images that the points belong to; null for all.</param>
    public void Take(Tensor points, Tensor margins, Tensor? distances = null, long[]? rows = null)
    {
        using var scope = NewDisposeScope();
        Tensor margin = margins.reshape(-1, 1, 1, 1);
        Tensor reached = margin > 0;
        Tensor distance = distances?.reshape(-1, 1, 1, 1) ?? zeros_like(margin);
        Tensor reachedAt = distance.masked_fill(reached.logical_not(), double.PositiveInfinity);
        Tensor nearest = rows is null ? Distances : Distances.At(rows);
        Tensor highest = rows is null ? _margins : _margins.At(rows);
        Tensor nearer = reached.logical_and(reachedAt <= nearest);
        Tensor closer = (margin > highest).logical_and(nearest.isinf());
        long[] better = Rows.Where(nearer.logical_or(closer).ToArray<bool>(), true);
        if (better.Length == 0)
            return;
        bool all = better.Length == points.size(0);
        long[] places = rows?.At(better) ?? better;
        Images.Put(places, all ? points : points.At(better));
        Distances.Put(places, all ? reachedAt : reachedAt.At(better));
        _margins.Put(places, all ? margin : margin.At(better));
    }
}
