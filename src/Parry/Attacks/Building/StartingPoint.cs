using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Where attacks that see labels only begin: an image that reaches the goal, blended with the clean one until it barely
/// does.
/// </summary>
public static class StartingPoint
{
    private const int AtOnce = 16;
    private const int MostDraws = 10_000;
    private const int Halvings = 10;

    // So many rows together make batches that stay in the cache, where models answer fastest.
    private const int RowsTogether = 8;

    /// <summary>The number of a set's images that searches may begin from.</summary>
    public const int MostImages = 64;

    /// <summary>
    /// Looks for a starting point of every row where an attack says: in noise, or among the batch's
    /// <see cref="Batch.Starts"/>.
    /// </summary>
    /// <inheritdoc cref="Find(IPredictor, Batch, Tensor?)"/>
    internal static (Tensor Points, bool[] Found) Find(IPredictor model, Batch batch, Tensor? given, StartFrom start)
    {
        Tensor? images = batch.Starts;
        if (given is not null || images is null || start == StartFrom.Noise)
            return Find(model, batch, given);
        if (start == StartFrom.Images)
            return Find(model, batch, images);
        using var scope = NewDisposeScope();
        var (points, found) = Find(model, batch, null);
        long[] open = Rows.Where(found, false);
        if (open.Length > 0)
        {
            var (others, reached) = Find(model, batch.Select(open), images);
            points.Put(open, others);
            for (int i = 0; i < open.Length; i++)
                found[open[i]] = reached[i];
        }

        return (scope.MoveToOuter(points), found);
    }

    /// <summary>
    /// Lets a search go on from the starting point of every row that has one; the others come back clean.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">None of whose rows reaches its goal.</param>
    /// <param name="given">[M, C, H, W], all of which are tried; null for noise.</param>
    /// <param name="start">Where starting points are looked for.</param>
    /// <param name="search">From rows and their starting points to where it ends, [rows, C, H, W].</param>
    /// <param name="rowsTogether">The most rows of one search.</param>
    internal static Tensor SearchFrom(
        IPredictor model,
        Batch batch,
        Tensor? given,
        StartFrom start,
        Func<Batch, Tensor, Tensor> search,
        long rowsTogether = int.MaxValue
    )
    {
        using var scope = NewDisposeScope();
        var (points, found) = Find(model, batch, given, start);
        foreach (long[] rows in Rows.Where(found, true).Chunk((int)Math.Clamp(rowsTogether, 1, int.MaxValue)))
        {
            using var inner = NewDisposeScope();
            points.Put(rows, search(batch.Select(rows), points.At(rows)));
        }

        return scope.MoveToOuter(points);
    }

    /// <summary>
    /// How many attacked images had no start, of an attack that must have one: they come back as they were.
    /// </summary>
    /// <param name="attack">The attack.</param>
    /// <param name="attacked">How many images it attacked.</param>
    /// <param name="succeeded">How many of them reached the goal.</param>
    /// <returns>A note; null where all had one, or the attack needs none.</returns>
    public static string? Missing(IAttack<IClassifier> attack, int attacked, int succeeded)
    {
        int missing = attacked - succeeded;
        return missing == 0 || attack is not IBoundarySearch
            ? null
            : $"{attack.Name} had no start for {missing} of {attacked} images: neither noise nor other images of the "
                + "set that it may begin from reach the goal, or too few queries were allowed";
    }

    /// <summary>
    /// Looks for a starting point of every row, among given images or else among uniform noise, 16 at a time until one
    /// reaches the goal, up to 10,000. What reaches it is blended with the clean image by a binary search, and the
    /// nearest blend is taken. It uses the draws 0, 1, 2 and so on.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">None of whose rows reaches its goal.</param>
    /// <param name="given">[M, C, H, W], all of which are tried; null for noise.</param>
    /// <returns>The points, the clean image where there is none, and which rows have one.</returns>
    public static (Tensor Points, bool[] Found) Find(IPredictor model, Batch batch, Tensor? given)
    {
        using var scope = NewDisposeScope();
        Tensor points = batch.Images.clone();
        var nearest = new float[batch.Count];
        Array.Fill(nearest, float.PositiveInfinity);
        long candidates = given?.size(0) ?? MostDraws;
        foreach (long[] together in Rows.All(batch.Count).Chunk(RowsTogether))
        {
            for (long from = 0; from < candidates; from += AtOnce)
            {
                long[] open = given is null ? [.. together.Where(row => !float.IsFinite(nearest[row]))] : together;
                if (open.Length == 0)
                    break;
                using var inner = NewDisposeScope();
                Tensor? few = given?.slice(0, from, Math.Min(from + AtOnce, candidates), 1);
                foreach (var (row, point, distance) in Blends(model, batch.Select(open), few, from / AtOnce))
                {
                    if (distance >= nearest[open[row]])
                        continue;
                    nearest[open[row]] = distance;
                    points.Put([open[row]], point);
                }
            }
        }

        return (scope.MoveToOuter(points), [.. nearest.Select(float.IsFinite)]);
    }

    // Those of the candidates that reach the goal, blended; with the row they belong to, and their distance from its
    // image.
    private static IEnumerable<(int Row, Tensor Point, float Distance)> Blends(
        IPredictor model,
        Batch batch,
        Tensor? given,
        long draw
    )
    {
        long[] shape = batch.Images.shape[1..];
        Tensor tried =
            given?.unsqueeze(0).expand([batch.Count, -1, .. shape]) ?? batch.Random.Uniform(draw, [AtOnce, .. shape]);
        int each = (int)tried.size(1);
        Tensor flat = tried.reshape([-1, .. shape]);
        long[] hits = Rows.Where(
            batch.Goal.Repeat(each).IsReached(model.Predict(batch.With(flat))).ToArray<bool>(),
            true
        );
        if (hits.Length == 0)
            return [];
        Batch owners = batch.Select([.. hits.Select(hit => hit / each)]);
        Tensor blends = Approach(model, owners, flat.At(hits), Halvings, Blend);
        float[] distances = Norm.L2.Of(blends - owners.Images).ToArray<float>();
        return hits.Select((hit, i) => ((int)(hit / each), blends.slice(0, i, i + 1, 1), distances[i]));
    }

    /// <summary>(1 - t) of the clean image and t of the point, t [N, 1, 1, 1].</summary>
    public static Tensor Blend(Tensor clean, Tensor point, Tensor t) =>
        (((1 - t) * clean) + (t * point)).clamp(0.0, 1.0);

    /// <summary>
    /// A binary search between clean images and points that reach the goal, for points that still do and are nearer.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">With the clean images.</param>
    /// <param name="points">[N, C, H, W], all of which reach the goal.</param>
    /// <param name="halvings">The number of halvings, and of queries.</param>
    /// <param name="path">From the clean image, a point and t [N, 1, 1, 1] to an image on the way, at t = 1 the point
    /// itself.</param>
    public static Tensor Approach(
        IPredictor model,
        Batch batch,
        Tensor points,
        int halvings,
        Func<Tensor, Tensor, Tensor, Tensor> path
    )
    {
        using var scope = NewDisposeScope();
        var (low, high) = (new double[batch.Count], new double[batch.Count]);
        Array.Fill(high, 1);
        for (int halving = 0; halving < halvings; halving++)
        {
            using var inner = NewDisposeScope();
            double[] middle = [.. low.Zip(high, (a, b) => (a + b) / 2)];
            bool[] reached = batch
                .Goal.IsReached(model.Predict(batch.With(path(batch.Images, points, Rows.Column(middle)))))
                .ToArray<bool>();
            for (int i = 0; i < middle.Length; i++)
                (reached[i] ? high : low)[i] = middle[i];
        }

        return scope.MoveToOuter(path(batch.Images, points, Rows.Column(high)));
    }
}
