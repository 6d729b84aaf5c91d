using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>What an attack wants of each image: another class than the true one, or one chosen class.</summary>
public sealed class Goal
{
    private Goal(Tensor labels, bool isTargeted)
    {
        if (labels.dtype != ScalarType.Int64 || labels.shape.Length != 1)
            throw new ArgumentException($"Labels must be Int64[N], not {labels.Describe()}.", nameof(labels));
        Labels = labels;
        IsTargeted = isTargeted;
    }

    /// <summary>The true classes (untargeted) or the wanted ones (targeted), [N] int64.</summary>
    public Tensor Labels { get; }

    /// <summary>Whether the labels are wanted rather than to be left.</summary>
    public bool IsTargeted { get; }

    /// <summary>Any class but these, the true ones.</summary>
    public static Goal Untargeted(Tensor labels) => new(labels, false);

    /// <summary>Exactly these classes.</summary>
    public static Goal Targeted(Tensor labels) => new(labels, true);

    /// <summary>Whether predictions [N] reach the goal, [N] bool; no prediction, -1, reaches none.</summary>
    public Tensor IsReached(Tensor predictions) =>
        IsTargeted ? predictions == Labels : predictions.ne(Labels).logical_and(predictions.ge(0));

    /// <summary>Whether the predictions of logits [N, classes] reach the goal, [N] bool.</summary>
    public Tensor IsReachedBy(Tensor logits) => IsReached(Predictions.OfScores(logits));

    /// <summary>The goal of some rows.</summary>
    public Goal Select(Tensor rows) => new(Labels.index_select(0, rows), IsTargeted);

    /// <summary>The goal of every row repeated, copies next to each other.</summary>
    public Goal Repeat(int times) => new(Labels.repeat_interleave(times, 0), IsTargeted);
}
