using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>The normal of a decision boundary, from the labels of many points around one on it.</summary>
internal static class BoundaryNormal
{
    // Labels are asked for in portions: what lies in the cache, the model answers twice as fast.
    private const int Portion = 128;

    /// <summary>
    /// The sum of the directions in which the goal is reached, less those in which it is not. It is not normalized.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="points">On the boundary of each row, [N, C, H, W].</param>
    /// <param name="queries">How many points are asked about for each row.</param>
    /// <param name="around">From rows, the number of the first point and how many are wanted to that many points in
    /// the box around each row's own, [rows, count, C, H, W].</param>
    public static Tensor Estimate(
        IPredictor model,
        Batch batch,
        Tensor points,
        int queries,
        Func<long[], int, int, Tensor> around
    )
    {
        using var scope = NewDisposeScope();
        Tensor result = zeros_like(points);
        foreach (long[] rows in Rows.All(batch.Count).Chunk(Math.Max(1, Portion / queries)))
        {
            using var inner = NewDisposeScope();
            Tensor sum = Sum(
                model,
                batch.Select(rows),
                points.At(rows),
                queries,
                (from, count) => around(rows, from, count)
            );
            result.Put(rows, sum);
        }

        return scope.MoveToOuter(result);
    }

    private static Tensor Sum(IPredictor model, Batch batch, Tensor points, int queries, Func<int, int, Tensor> around)
    {
        using var scope = NewDisposeScope();
        Tensor center = points.unsqueeze(1);
        Tensor signed = zeros([batch.Count, 1, points.numel() / batch.Count]);
        Tensor all = zeros_like(signed);
        Tensor signs = zeros([batch.Count, 1, 1]);
        for (int from = 0; from < queries; from += Portion)
        {
            using var inner = NewDisposeScope();
            int count = Math.Min(Portion, queries - from);
            Tensor asked = around(from, count);
            Tensor predictions = model.Predict(batch.With(asked.flatten(0, 1)));
            Tensor reached = batch.Goal.Repeat(count).IsReached(predictions).to(ScalarType.Float32);
            Tensor sign = ((2 * reached) - 1).reshape(batch.Count, 1, count);

            // The directions that were really taken, after clipping. Dividing by their length, one number for each
            // image, would not turn their mean.
            Tensor taken = (asked - center).reshape(batch.Count, count, -1);
            signed.add_(MatrixProduct.Of(sign, taken));
            all.add_(MatrixProduct.Of(ones_like(sign), taken));
            signs.add_(sign.sum(2, true));
        }

        // The baseline, the mean sign, is taken off only where signs are mixed: elsewhere nothing would be left.
        Tensor mean = signs / queries;
        Tensor baseline = where(mean.abs() < 1, mean, zeros_like(mean));
        return scope.MoveToOuter((signed - (baseline * all)).reshape(points.shape));
    }
}
