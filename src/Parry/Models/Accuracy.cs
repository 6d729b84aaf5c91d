using Parry.Data;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>Measures the accuracy of a model.</summary>
public static class Accuracy
{
    private const int BatchSize = 250;

    /// <summary>
    /// The share of images that are classified as their label, in [0, 1]. The workers share the images; the model is in
    /// evaluation mode.
    /// </summary>
    /// <exception cref="UserErrorException">The model takes images of another shape.</exception>
    /// <exception cref="OperationCanceledException">The operation was canceled.</exception>
    public static double Of(IPredictor model, ImageSet set, CancellationToken cancellation = default)
    {
        if (model.Shape != set.Shape)
            throw new UserErrorException(
                $"the model takes images of {model.Shape}, and those of {set.Name} are {set.Shape}: give a model that "
                    + "was trained on such images"
            );
        using IDisposable? mode = model.EnterEvaluation();
        using IDisposable? exact = Devices.FullFloat32();
        int[] right = Workers.Shared.MapRows(
            set.Count,
            BatchSize,
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                int[] indices = [.. Enumerable.Range(from, to - from)];
                var (images, labels) = set.Batch(indices);
                long[] samples = Array.ConvertAll(indices, index => (long)index);
                Tensor predicted = model.Predict(new Images(images, samples));
                return (int)predicted.eq(labels).sum().Item();
            },
            cancellation
        );
        return right.Sum() / (double)set.Count;
    }
}
