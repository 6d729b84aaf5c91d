using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// For each row the nearest image that reached the goal; until there is one, the last that was tried.
/// </summary>
public sealed class Closest(Tensor images)
{
    /// <summary>The images, [N, C, H, W].</summary>
    public Tensor Images { get; } = images.clone();

    /// <summary>Their distances, [N, 1, 1, 1]; infinite until one has reached the goal.</summary>
    public Tensor Distances { get; } = full([images.size(0), 1, 1, 1], double.PositiveInfinity);

    /// <summary>Takes what is nearer.</summary>
    /// <param name="points">[N, C, H, W].</param>
    /// <param name="distances">[N, 1, 1, 1].</param>
    /// <param name="reached">Whether each point reaches the goal, [N, 1, 1, 1] bool.</param>
    /// <param name="rows">Which rows the points are of; null for all.</param>
    public void Take(Tensor points, Tensor distances, Tensor reached, long[]? rows = null)
    {
        Tensor lengths = distances.masked_fill(reached.logical_not(), double.PositiveInfinity);
        long[] nearer = Rows.Where(lengths.le(rows is null ? Distances : Distances.At(rows)).ToArray<bool>(), true);
        if (nearer.Length == 0)
            return;
        long[] places = rows?.At(nearer) ?? nearer;
        Images.Put(places, nearer.Length == points.size(0) ? points : points.At(nearer));
        Distances.Put(places, lengths.At(nearer));
    }
}
