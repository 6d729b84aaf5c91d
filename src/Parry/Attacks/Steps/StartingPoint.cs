using Parry.Models;
using Parry.Torch;

namespace Parry.Attacks.Steps;

/// <summary>Where attacks that see labels only begin: an image that reaches the goal, blended with the clean one until it barely does.</summary>
internal static class StartingPoint
{
    private const int AtOnce = 16;
    private const int MostDraws = 10_000;
    private const int Halvings = 10;

    /// <summary>
    /// Looks for a starting point of every row, among given images or else among up to 10,000 of uniform noise. It uses the draws from 0 on.
    /// </summary>
    /// <param name="batch">None of whose rows reaches its goal.</param>
    /// <param name="given">[M, C, H, W]; each row begins at the nearest that reaches its goal. Null: noise.</param>
    /// <returns>The points, the clean image where there is none, and which rows have one.</returns>
    public static (Tensor Points, bool[] Found) Find(AttackBatch<IPredictor> batch, Tensor? given)
    {
        using var scope = new TensorScope();
        Tensor points = batch.Images.Clone();
        var nearest = new float[batch.Count];
        Array.Fill(nearest, float.PositiveInfinity);
        long candidates = given?.Size(0) ?? MostDraws;
        for (long from = 0; from < candidates; from += AtOnce)
        {
            // Noise is as good as other noise; of given images all are tried, for the nearest.
            long[] open = given is null ? Rows.Where([.. nearest.Select(float.IsFinite)], false) : Rows.All(batch.Count);
            if (open.Length == 0) break;
            using var inner = new TensorScope();
            AttackBatch<IPredictor> part = open.Length == batch.Count ? batch : batch.Select(open);
            ReadOnlySpan<long> shape = batch.Images.Shape.AsSpan(1);
            Tensor tried = given is null
                ? part.Random.Uniform(from / AtOnce, [AtOnce, .. shape])
                : given.Slice(0, from, Math.Min(from + AtOnce, candidates)).Unsqueeze(0).Expand([open.Length, -1, -1, -1, -1]);
            int each = (int)tried.Size(1);
            Tensor flat = tried.Reshape([-1, .. shape]);
            bool[] reached = part.Goal.Repeat(each).IsReached(part.Model.Predict(flat)).ToArray<bool>();
            float[] distances = tried.Sub(part.Images.Unsqueeze(1)).Norm(2, [2, 3, 4]).Reshape(-1).ToArray<float>();
            var (rows, chosen) = (new List<long>(), new List<long>());
            for (int i = 0; i < open.Length; i++)
            {
                long[] hits = [.. Enumerable.Range(i * each, each).Where(at => reached[at] && distances[at] < nearest[open[i]])];
                if (hits.Length == 0) continue;
                long best = hits.MinBy(at => distances[at]);
                nearest[open[i]] = distances[best];
                rows.Add(open[i]);
                chosen.Add(best);
            }

            if (rows.Count > 0) points.Put([.. rows], flat.At([.. chosen]));
        }

        bool[] found = [.. nearest.Select(float.IsFinite)];
        long[] started = Rows.Where(found, true);
        if (started.Length > 0) points.Put(started, Approach(batch.Select(started), points.At(started), Halvings, Blend));
        return (scope.Keep(points), found);
    }

    /// <summary>(1 - t) of the clean image and t of the point, t [N, 1, 1, 1].</summary>
    public static Tensor Blend(Tensor clean, Tensor point, Tensor t) => clean.Mul(t.SubtractedFrom(1)).AddInPlace(point.Mul(t)).ClampInPlace(0, 1);

    /// <summary>A binary search between clean images and points that reach the goal, for points that still do and are nearer.</summary>
    /// <param name="batch">With the clean images.</param>
    /// <param name="points">[N, C, H, W], all of which reach the goal.</param>
    /// <param name="halvings">The number of halvings, and of queries.</param>
    /// <param name="path">From the clean image, a point and t [N, 1, 1, 1] to an image on the way, at t = 1 the point itself.</param>
    public static Tensor Approach(AttackBatch<IPredictor> batch, Tensor points, int halvings, Func<Tensor, Tensor, Tensor, Tensor> path)
    {
        using var scope = new TensorScope();
        var (low, high) = (new double[batch.Count], new double[batch.Count]);
        Array.Fill(high, 1);
        for (int halving = 0; halving < halvings; halving++)
        {
            using var inner = new TensorScope();
            double[] middle = [.. low.Zip(high, (a, b) => (a + b) / 2)];
            bool[] reached = batch.Goal.IsReached(batch.Model.Predict(path(batch.Images, points, Rows.Column(middle)))).ToArray<bool>();
            for (int i = 0; i < middle.Length; i++) (reached[i] ? high : low)[i] = middle[i];
        }

        return scope.Keep(path(batch.Images, points, Rows.Column(high)));
    }
}
