using Parry.Attacks.Building;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Universal;

/// <summary>
/// The classes at which UPSET and ANGRI aim: those that are wanted, or where any other class will do, those that they
/// choose.
/// </summary>
internal static class Targets
{
    /// <summary>
    /// To learn from: the wanted classes, or for each image another class than its own, drawn anew for each number.
    /// </summary>
    public static Tensor ToLearn(Batch batch, int classes, long draw)
    {
        if (batch.Goal.IsTargeted)
            return batch.Goal.Labels;
        float[] uniform = batch.Random.Uniform(draw).ToArray<float>();
        return tensor(
            batch
                .Goal.Labels.ToArray<long>()
                .Select((label, i) => (label + 1 + (long)(uniform[i] * (classes - 1))) % classes)
                .ToArray()
        );
    }

    /// <summary>To attack: the wanted classes, or for each image the class chosen for its own.</summary>
    public static Tensor ToReach(Goal goal, Tensor chosen) =>
        goal.IsTargeted ? goal.Labels : chosen.index_select(0, goal.Labels);

    /// <summary>
    /// For each true class, the class at which to aim so that most of its training images are misclassified, [classes];
    /// the next one where there are none.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The training images.</param>
    /// <param name="perturb">From images and targets to adversarial images.</param>
    /// <param name="cancellation">Stops between targets.</param>
    public static Tensor Choose(
        IClassifier model,
        Batch data,
        Func<Tensor, Tensor, Tensor> perturb,
        CancellationToken cancellation
    )
    {
        int classes = model.Classes;
        long[] chosen = [.. Enumerable.Range(1, classes).Select(next => (long)(next % classes))];
        if (data.Goal.IsTargeted)
            return tensor(chosen);
        var most = new long[classes];
        var lanes = new TrainingLanes(data, data.Count, data.Random.Seed(0));
        for (int target = 0; target < classes; target++)
        {
            using Tensor fooled = lanes.Sum(
                lanes.Everything(),
                batch =>
                {
                    Tensor targets = full([batch.Count], (double)target, ScalarType.Int64);
                    Tensor predicted = model.Predict(batch.With(perturb(batch.Images, targets)));
                    Tensor reached = batch.Goal.IsReached(predicted).unsqueeze(1);
                    return [(nn.functional.one_hot(batch.Goal.Labels, classes) * reached).sum(dim: 0)];
                },
                cancellation
            )[0];
            long[] counts = fooled.ToArray<long>();
            for (int label = 0; label < classes; label++)
            {
                if (label == target || counts[label] <= most[label])
                    continue;
                (most[label], chosen[label]) = (counts[label], target);
            }
        }

        return tensor(chosen);
    }
}
