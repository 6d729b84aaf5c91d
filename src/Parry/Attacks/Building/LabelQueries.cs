using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// How searches along a decision boundary ask for labels: each row by itself, until it has spent its queries.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="batch">All rows.</param>
/// <param name="most">The queries of a row; the step in which it spends the last one is still finished.</param>
internal sealed class LabelQueries(IPredictor model, Batch batch, long most)
{
    private readonly long[] _spent = new long[batch.Count];

    /// <summary>The rows that have queries left.</summary>
    public long[] Open => Rows.Where([.. _spent.Select(spent => spent < most)], true);

    /// <summary>Whether points reach the goals of their rows.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="points">One of each row, [rows, C, H, W].</param>
    public bool[] Reach(long[] rows, Tensor points)
    {
        if (rows.Length == 0)
            return [];
        using var scope = NewDisposeScope();
        Spend(rows, 1);
        Batch asked = batch.Select(rows);
        return asked.Goal.IsReached(model.Predict(asked.With(points))).ToArray<bool>();
    }

    /// <summary>
    /// Finds where paths meet the boundary, by halving what lies between a place where the goal is reached and one
    /// where it is not.
    /// </summary>
    /// <param name="rows">The rows.</param>
    /// <param name="beyond">For each a place at which its path reaches the goal.</param>
    /// <param name="before">One at which it does not.</param>
    /// <param name="tolerance">How far apart the two may be in the end.</param>
    /// <param name="path">From rows and a place on the path of each, [rows, 1, 1, 1], to points.</param>
    /// <returns>The last place at which each path was seen to reach the goal.</returns>
    public double[] Meet(
        long[] rows,
        double[] beyond,
        double[] before,
        Func<long, double> tolerance,
        Func<long[], Tensor, Tensor> path
    )
    {
        (beyond, before) = ([.. beyond], [.. before]);
        while (true)
        {
            long[] open = [.. Rows.All(rows.Length).Where(i => Math.Abs(beyond[i] - before[i]) > tolerance(rows[i]))];
            if (open.Length == 0)
                return beyond;
            using var scope = NewDisposeScope();
            double[] middle = [.. open.Select(i => (beyond[i] + before[i]) / 2)];
            long[] asked = rows.At(open);
            bool[] reached = Reach(asked, path(asked, Rows.Column(middle)));
            for (int i = 0; i < open.Length; i++)
                (reached[i] ? beyond : before)[open[i]] = middle[i];
        }
    }

    /// <summary>The normal of the boundary, by <see cref="BoundaryNormal.Estimate"/>.</summary>
    public Tensor Normal(long[] rows, Tensor points, int queries, Func<long[], int, int, Tensor> around)
    {
        Spend(rows, queries);
        return BoundaryNormal.Estimate(model, batch.Select(rows), points, queries, around);
    }

    private void Spend(long[] rows, int queries)
    {
        foreach (long row in rows)
            _spent[row] += queries;
    }
}
