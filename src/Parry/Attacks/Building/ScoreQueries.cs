using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// How score-based attacks ask a model: many queries of many images at once, in batches that stay in the cache.
/// </summary>
public static class ScoreQueries
{
    private const int Most = 256;

    // Of float32 a probability may be zero; its logarithm may not.
    private const double Smallest = 1e-37;

    /// <summary>
    /// Perturbs the rows, which are independent, in pieces of which one step does not ask too much at once.
    /// </summary>
    /// <param name="batch">All rows.</param>
    /// <param name="queries">Of one row in one step.</param>
    /// <param name="perturb">From some of the rows to perturbed images.</param>
    public static Tensor InPieces(this Batch batch, int queries, Func<Batch, Tensor> perturb)
    {
        int size = Math.Max(1, Most / queries);
        return batch.Count <= size
            ? perturb(batch)
            : cat([.. Rows.All(batch.Count).Chunk(size).Select(rows => perturb(batch.Select(rows)))]);
    }

    /// <summary>
    /// The margins of queries: how far the best wrong class is above the true one in log-probability, or the wanted one
    /// above the best other. Unlike probabilities and the cross entropy they keep their digits where a model is sure,
    /// and unlike logits every model that shows scores has them.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The rows that are asked about.</param>
    /// <param name="queries">Several of each row, [N, Q, C, H, W] in [0, 1].</param>
    /// <returns>[N, Q]; positive where the goal is reached.</returns>
    public static Tensor Margins(this IScorer model, Batch batch, Tensor queries)
    {
        int each = (int)queries.size(1);
        return Margins(model, batch.With(queries.flatten(0, 1)), batch.Goal.Repeat(each)).reshape(-1, each);
    }

    /// <summary>The margins [N] of one image of each row, [N, C, H, W].</summary>
    public static float[] MarginsAt(this IScorer model, Batch batch, Tensor points) =>
        Margins(model, batch.With(points), batch.Goal).ToArray<float>();

    /// <summary>
    /// The gradient of the margin by symmetric differences along directions, as a sum that is not normalized, with
    /// queries clipped to the box.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="points">Where, [N, C, H, W].</param>
    /// <param name="directions">[N, Q, C, H, W].</param>
    /// <param name="length">How far along a direction the model is asked.</param>
    /// <returns>The margins at the points and the sums of direction times difference, [N, C, H, W].</returns>
    public static (float[] Margins, Tensor Gradient) Differences(
        this IScorer model,
        Batch batch,
        Tensor points,
        Tensor directions,
        double length
    )
    {
        using var scope = NewDisposeScope();
        long count = directions.size(1);
        Tensor moves = length * directions;
        Tensor centers = points.unsqueeze(1);
        Tensor queries = cat([centers, centers + moves, centers - moves], 1).clamp_(0.0, 1.0);
        Tensor[] margins = model.Margins(batch, queries).split([1, count, count], 1);
        Tensor differences = (margins[1] - margins[2]).reshape(-1, count, 1, 1, 1);
        Tensor gradient = (directions * differences).sum(1);
        return (margins[0].ToArray<float>(), scope.MoveToOuter(gradient));
    }

    private static Tensor Margins(IScorer model, Images images, Goal goal)
    {
        using var scope = NewDisposeScope();
        Tensor logProbabilities = model.Probabilities(images).clamp_min(Smallest).log();
        Tensor margins = AttackLoss.Margin(goal)(logProbabilities);

        // A point without scores is as far from the goal as can be.
        return scope.MoveToOuter(margins.masked_fill(margins.isnan(), Math.Log(Smallest)));
    }
}
