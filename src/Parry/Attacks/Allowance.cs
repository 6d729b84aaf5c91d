using Parry.Attacks.Steps;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>
/// What the samples of one piece may still spend, and the best that was seen of each within its limit. Every sample is
/// judged by its own passes alone, so the limit cuts at the same place in every batch.
/// </summary>
internal sealed class Allowance
{
    private const double Tolerance = 1e-6;

    private readonly AttackLimits _limits;
    private readonly Norm _norm;
    private readonly double? _epsilon;
    private readonly Goal _goal;
    private readonly Tensor _clean;
    private readonly Dictionary<long, int> _rowOf = [];
    private readonly float[]?[] _best,
        _next;
    private readonly double[] _distances;
    private readonly bool[] _spent;

    /// <summary>Creates it for the rows that an attack gets.</summary>
    public Allowance(AttackLimits limits, Norm norm, double? epsilon, Goal goal, Tensor clean, long[] samples)
    {
        (_limits, _norm, _epsilon, _goal, _clean) = (limits, norm, epsilon, goal, clean);
        for (int row = 0; row < samples.Length; row++)
            _rowOf.Add(samples[row], row);
        (_best, _next, _spent) = (new float[]?[samples.Length], new float[]?[samples.Length], new bool[samples.Length]);
        _distances = [.. Enumerable.Repeat(double.PositiveInfinity, samples.Length)];
    }

    /// <summary>Whether every sample has been refused a pass.</summary>
    public bool IsSpent => !_spent.Contains(false);

    /// <summary>How many of the rows that are wanted for a sample it may still have.</summary>
    public long Grant(long sample, long wanted, long queries, long gradients, bool differentiates)
    {
        if (_spent[_rowOf[sample]])
            return 0;
        long left = (_limits.Queries ?? long.MaxValue) - queries;
        if (differentiates)
            left = Math.Min(left, (_limits.Gradients ?? long.MaxValue) - gradients);
        return Math.Clamp(left, 0, wanted);
    }

    /// <summary>Takes note of the image that a sample would have shown next, at its first refusal.</summary>
    public void Refuse(long sample, Tensor image)
    {
        int row = _rowOf[sample];
        if (_spent[row])
            return;
        _spent[row] = true;
        using Tensor change = image.sub(_clean.slice(0, row, row + 1, 1));
        if (_epsilon is null || _norm.Of(change).ToDouble() <= _epsilon + Tolerance)
            _next[row] = image.ToArray<float>();
    }

    /// <summary>Takes note of what the model said of images [N, C, H, W] of these samples.</summary>
    public void Saw(Tensor images, Tensor predictions, ReadOnlySpan<long> samples)
    {
        using var scope = NewDisposeScope();
        long[] rows = RowsOf(samples);
        Tensor index = tensor(rows);
        long[] reached = Rows.Where(_goal.Select(index).IsReached(predictions).ToArray<bool>(), true);
        if (reached.Length == 0)
            return;
        float[] sizes = _norm.Of(images.sub(_clean.index_select(0, index))).ToArray<float>();
        foreach (long i in reached)
        {
            if (sizes[i] >= _distances[rows[i]] || sizes[i] > _epsilon + Tolerance)
                continue;
            _distances[rows[i]] = sizes[i];
            _best[rows[i]] = images.slice(0, i, i + 1, 1).ToArray<float>();
        }
    }

    /// <summary>What an attack gives back, with the rows replaced whose limit was reached.</summary>
    /// <param name="perturbed">The attack's images; null when it was stopped.</param>
    public Tensor Settle(Tensor? perturbed)
    {
        using var scope = NewDisposeScope();
        Tensor result = (perturbed ?? _clean).clone();
        foreach (long row in Rows.Where(_spent, true))
        {
            Tensor clean = _clean.slice(0, row, row + 1, 1);
            float[]? image = _best[row] ?? _next[row];
            result.Put([row], image is null ? clean : tensor(image, clean.shape).clamp_(0.0, 1.0));
        }

        return scope.MoveToOuter(result);
    }

    /// <summary>Predictions of refused rows: no goal is reached.</summary>
    public Tensor Refusals(ReadOnlySpan<long> samples, int classes)
    {
        using var scope = NewDisposeScope();
        Tensor labels = _goal.Select(tensor(RowsOf(samples))).Labels;
        return scope.MoveToOuter(
            _goal.IsTargeted
                ? tensor(labels.ToArray<long>().Select(label => (label + 1) % classes).ToArray())
                : labels.clone()
        );
    }

    private long[] RowsOf(ReadOnlySpan<long> samples)
    {
        var rows = new long[samples.Length];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = _rowOf[samples[i]];
        return rows;
    }
}

/// <summary>Every sample has spent what it may: nothing that the attack still does can change its result.</summary>
internal sealed class AllowanceSpentException : Exception;
