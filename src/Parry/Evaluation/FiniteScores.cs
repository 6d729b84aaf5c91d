using Parry.Data;
using Parry.Models;
using Parry.Models.Http;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>
/// Leaves out images for which a model gives no usable scores, so that they do not count for or against it.
/// </summary>
public static class FiniteScores
{
    /// <summary>
    /// The images for which the model's scores tell a class, their rows, and a note on the others; null if there are
    /// none.
    /// </summary>
    /// <exception cref="UserErrorException">There is no image left.</exception>
    public static (ImageSet Images, int[] Rows, string? Note) Of(IPredictor model, ImageSet images)
    {
        // Asking a model over HTTP costs, unless it keeps the answers.
        if (model is not (IClassifier or HttpModel { KeepsAnswers: true }))
            return (images, All(images), null);
        int[] kept = Kept(model, images);
        int dropped = images.Count - kept.Length;
        if (dropped == 0)
            return (images, kept, null);
        if (kept.Length == 0)
            throw new UserErrorException(
                $"the model's scores are not finite for any of {images.Count} images: check how it takes images "
                    + "(--mean, --std, --range, --layout)"
            );
        return (
            images.Select(kept),
            kept,
            $"{dropped} of {images.Count} images are left out: the model's scores for them are not finite."
        );
    }

    private static int[] All(ImageSet images) => [.. Enumerable.Range(0, images.Count)];

    private static int[] Kept(IPredictor model, ImageSet images)
    {
        using var frozen = no_grad();
        var kept = new List<int>();
        foreach (var (first, some) in images.Parts())
        {
            using Tensor pixels = some.ImageTensor();
            long[] classes = Predictions.Of(model, pixels, first);
            for (int i = 0; i < classes.Length; i++)
            {
                if (classes[i] != Predictions.None)
                    kept.Add(first + i);
            }
        }

        return [.. kept];
    }
}
