using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>Predicts the classes of many images.</summary>
public static class Predictions
{
    /// <summary>Stands for a class where the scores tell none.</summary>
    public const long None = -1;

    private const int Piece = 256;

    /// <summary>
    /// The predicted classes, [N]. The workers share the images, in pieces that fit into memory; the model is in
    /// evaluation mode.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="firstSample">The number of the first image's sample.</param>
    public static long[] Of(IPredictor model, Tensor images, long firstSample = 0) =>
        Of(model, images, Enumerable.Range(0, (int)images.size(0)).Select(row => firstSample + row).ToArray());

    /// <summary>
    /// The class with the largest score of each row, [N]; -1 where no score is the largest, because one is not a number
    /// or the largest is not finite.
    /// </summary>
    /// <param name="scores">Logits or probabilities, [N, classes].</param>
    public static Tensor OfScores(Tensor scores)
    {
        using var scope = NewDisposeScope();
        Tensor told = scores.amax([1]).isfinite();
        return scope.MoveToOuter(where(told, scores.argmax(1), tensor(new long[] { None }, [])));
    }

    internal static long[] Of(IPredictor model, Tensor images, ReadOnlyMemory<long> samples)
    {
        using IDisposable? mode = model.EnterEvaluation();
        using IDisposable? exact = Devices.FullFloat32();
        return
        [
            .. Workers
                .Shared.MapRows(
                    (int)images.size(0),
                    PassMemory.RowsAtOnce(model, Piece),
                    (from, to) =>
                    {
                        using var frozen = no_grad();
                        using var scope = NewDisposeScope();
                        var part = new Images(images.slice(0, from, to, 1), samples[from..to]);
                        return model.Predict(part).ToArray<long>();
                    }
                )
                .SelectMany(part => part),
        ];
    }
}
