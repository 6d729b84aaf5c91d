using Parry.Attacks.Building;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// Limits the passes of each sample, and keeps the best image that was seen of it within the limit. Every sample is
/// judged by its own passes alone, so the limit cuts at the same place in every batch.
/// </summary>
internal sealed class PassLimit
{
    private readonly AttackLimits _limits;
    private readonly Norm _norm;
    private readonly double _most;
    private readonly Batch _batch;
    private readonly Dictionary<long, int> _rowOf = [];
    private readonly Tensor?[] _best;
    private readonly Tensor?[] _next;
    private readonly double[] _distances;
    private readonly bool[] _spent;

    /// <summary>Creates it for the rows that an attack gets.</summary>
    public PassLimit(AttackLimits limits, Norm norm, double? epsilon, Batch batch)
    {
        (_limits, _norm, _batch) = (limits, norm, batch);
        long values = batch.Images.numel() / Math.Max(1, batch.Count);
        _most = epsilon is { } budget ? budget + BudgetTolerance.Of(norm, budget, values) : double.PositiveInfinity;
        for (int row = 0; row < batch.Count; row++)
            _rowOf.Add(batch.Samples.Span[row], row);
        (_best, _next, _spent) = (new Tensor?[batch.Count], new Tensor?[batch.Count], new bool[batch.Count]);
        _distances = [.. Enumerable.Repeat(double.PositiveInfinity, batch.Count)];
    }

    /// <summary>Whether every sample has been refused a pass.</summary>
    public bool IsSpent => !_spent.Contains(false);

    /// <summary>Whether a sample may have one more pass.</summary>
    public bool Allows(long sample, long queries, long gradients, bool differentiates) =>
        !_spent[_rowOf[sample]] && !(queries >= _limits.Queries) && !(differentiates && gradients >= _limits.Gradients);

    /// <summary>Keeps the image that a sample would have shown next, at its first refusal.</summary>
    public void Refuse(long sample, Tensor image)
    {
        int row = _rowOf[sample];
        if (_spent[row])
            return;
        _spent[row] = true;
        using Tensor change = image - _batch.Images.slice(0, row, row + 1, 1);
        if (_norm.Of(change).Item() <= _most)
            _next[row] = Kept(image);
    }

    /// <summary>Keeps images that reach the goal and are nearer than those before.</summary>
    public void Saw(Images images, Tensor predictions)
    {
        using var scope = NewDisposeScope();
        long[] rows = RowsOf(images);
        Tensor index = tensor(rows);
        long[] reached = Rows.Where(_batch.Goal.Select(index).IsReached(predictions).ToArray<bool>(), true);
        if (reached.Length == 0)
            return;
        float[] distances = _norm.Of(images.Pixels - _batch.Images.index_select(0, index)).ToArray<float>();
        foreach (long i in reached)
        {
            long row = rows[i];
            if (distances[i] >= _distances[row] || distances[i] > _most)
                continue;
            _distances[row] = distances[i];
            _best[row]?.Dispose();
            _best[row] = Kept(images.Pixels.slice(0, i, i + 1, 1));
        }
    }

    /// <summary>What an attack gives back, with the rows replaced whose limit was reached.</summary>
    /// <param name="perturbed">The attack's images; null when it was stopped.</param>
    public Tensor Settle(Tensor? perturbed)
    {
        using var scope = NewDisposeScope();
        Tensor result = (perturbed ?? _batch.Images).clone();
        foreach (long row in Rows.Where(_spent, true))
        {
            Tensor clean = _batch.Images.slice(0, row, row + 1, 1);
            Tensor image = _best[row] ?? _next[row] ?? clean;
            result.Put([row], image.clamp(0.0, 1.0));
        }

        foreach (Tensor? kept in _best.Concat(_next))
            kept?.Dispose();
        return scope.MoveToOuter(result);
    }

    /// <summary>Predictions for refused rows: none reaches its goal.</summary>
    public Tensor Refusals(Images images, int classes)
    {
        using var scope = NewDisposeScope();
        Tensor labels = _batch.Goal.Select(tensor(RowsOf(images))).Labels;
        return scope.MoveToOuter(_batch.Goal.IsTargeted ? (labels + 1).remainder(classes) : labels.clone());
    }

    // Lives beyond the scopes of the attack's loops.
    private static Tensor Kept(Tensor image) => image.detach().clone().DetachFromDisposeScope();

    private long[] RowsOf(Images images) => Array.ConvertAll(images.Samples.ToArray(), sample => (long)_rowOf[sample]);
}

/// <summary>Every sample has reached its limit: nothing that the attack still does can change its result.</summary>
internal sealed class PassLimitReachedException : Exception;
