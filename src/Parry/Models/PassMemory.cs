using System.Numerics;
using System.Runtime.CompilerServices;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// How many images a model can be shown at once within bounded memory. What a pass holds of one image is measured: the
/// values that the network keeps for its gradient.
/// </summary>
internal static class PassMemory
{
    // Of all workers together.
    private const long Budget = 1L << 29;

    // Values that a network keeps of each value of an image: if this many fit, nothing is measured.
    private const int Assumed = 500;

    // While gradients flow back, and where nothing could be measured.
    private const int Backward = 2;

    // Values that a forward pass alone holds of each value of an image.
    private const int AssumedForward = 50;
    private const long ForwardBudget = 1L << 28;

    private static readonly ConditionalWeakTable<IPredictor, StrongBox<long>> s_measured = [];

    /// <summary>The number of rows for one call of a model: a power of two if memory limits it.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="most">The number of rows where memory does not limit it.</param>
    public static int RowsAtOnce(IPredictor model, int most)
    {
        if (Devices.IsGpu || model is not IClassifier classifier)
            return Devices.RowsAtOnce(most, model.Shape.Pixels);
        long share = Budget / Workers.Shared.Count;
        long assumed = (long)model.Shape.Pixels * sizeof(float) * Assumed;
        if (assumed * most <= share)
            return most;
        long measured = s_measured.GetValue(model, _ => new StrongBox<long>(Measure(classifier) ?? assumed)).Value;
        long rows = share / Math.Max(1, Backward * measured);
        return rows >= most ? most : Math.Min(most, 1 << BitOperations.Log2((uint)Math.Max(SmallBatches.Least, rows)));
    }

    /// <summary>
    /// Runs a network on images in pieces, unless gradients are recorded: attacks that search ask for many at once.
    /// </summary>
    /// <param name="pixels">[N, C, H, W].</param>
    /// <param name="network">Maps images to one row for each.</param>
    public static Tensor Forward(Tensor pixels, Func<Tensor, Tensor> network)
    {
        int count = (int)pixels.size(0);
        if (Devices.IsGpu || is_grad_enabled() || count <= SmallBatches.Least)
            return network(pixels);
        long values = pixels.numel() / count;
        int piece = (int)Math.Max(SmallBatches.Least, ForwardBudget / (values * sizeof(float) * AssumedForward));
        if (count <= piece)
            return network(pixels);
        using var scope = NewDisposeScope();
        IEnumerable<Tensor> parts = Enumerable
            .Range(0, Workers.PieceCount(count, piece))
            .Select(i => Part(i * piece, Math.Min(count, (i + 1) * piece)));
        return scope.MoveToOuter(cat([.. parts]));

        Tensor Part(int from, int to)
        {
            using var inner = NewDisposeScope();
            return inner.MoveToOuter(network(pixels.slice(0, from, to, 1)));
        }
    }

    // The bytes that a pass holds of one image when it reaches the loss; null where they cannot be told.
    private static long? Measure(IClassifier model)
    {
        long held = 0;
        try
        {
            using var scope = NewDisposeScope();
            ImageShape shape = model.Shape;
            Tensor few = zeros([SmallBatches.Least, shape.Channels, shape.Height, shape.Width]);
            long before = NativeHeap.InUse ?? 0;
            model.Gradient(
                Images.Of(few),
                logits =>
                {
                    held = (NativeHeap.InUse ?? 0) - before;
                    return logits.sum(dim: 1);
                }
            );
        }
        catch (UserErrorException)
        {
            // It has no gradients, and so nothing that a pass holds.
            return null;
        }

        return held > 0 ? held / SmallBatches.Least : null;
    }
}
