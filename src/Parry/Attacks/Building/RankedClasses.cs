using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>The classes an attack aims at, one after the other or side by side.</summary>
public static class RankedClasses
{
    /// <summary>
    /// For each row the wanted class; untargeted, the other classes by falling logit of the clean image, at most that
    /// many. One query.
    /// </summary>
    public static long[][] Targets(IClassifier model, Batch batch, int most)
    {
        using var scope = NewDisposeScope();
        long[] labels = batch.Goal.Labels.ToArray<long>();
        if (batch.Goal.IsTargeted)
            return [.. labels.Select(label => new[] { label })];
        long[] order = model.Logits(batch.With(batch.Images)).sort(1, true, true).Indices.ToArray<long>();
        return
        [
            .. order
                .Chunk(model.Classes)
                .Select((classes, row) => classes.Where(c => c != labels[row]).Take(most).ToArray()),
        ];
    }

    /// <summary>For each row the class it has now: the true one; targeted, the predicted one, by one query.</summary>
    public static long[] Sources(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        return (batch.Goal.IsTargeted ? model.Predict(batch.With(batch.Images)) : batch.Goal.Labels).ToArray<long>();
    }
}
