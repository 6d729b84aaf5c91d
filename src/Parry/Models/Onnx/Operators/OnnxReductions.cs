using Parry.Models.Onnx.Files;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>Operators that reduce many numbers to one.</summary>
internal static class OnnxReductions
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } =
        new()
        {
            ["ReduceMean"] = node => Reduce(node, (x, axes, keep) => x.mean(axes, keep)),
            ["ReduceSum"] = node => Reduce(node, (x, axes, keep) => x.sum(axes, keep), axesAreInputsSince: 13),
            ["ReduceMax"] = node =>
                Reduce(node, (x, axes, keep) => OrOfNone(x, axes, double.NegativeInfinity).amax(axes, keep)),
            ["ReduceMin"] = node =>
                Reduce(node, (x, axes, keep) => OrOfNone(x, axes, double.PositiveInfinity).amin(axes, keep)),
            ["ReduceL1"] = node => Reduce(node, (x, axes, keep) => x.abs().sum(axes, keep)),
            ["ReduceL2"] = node => Reduce(node, (x, axes, keep) => linalg.vector_norm(x, 2, axes, keep)),
            ["ReduceSumSquare"] = node => Reduce(node, (x, axes, keep) => (x * x).sum(axes, keep)),
            ["ReduceLogSum"] = node => Reduce(node, (x, axes, keep) => x.sum(axes, keep).log()),
            ["ReduceLogSumExp"] = node => Reduce(node, LogSumExp),
            ["ReduceProd"] = node =>
                Reduce(
                    node,
                    (x, axes, keep) => axes.OrderDescending().Aggregate(x, (product, axis) => product.prod(axis, keep))
                ),
            ["ArgMax"] = node => ArgExtreme(node, (x, axis, keep) => x.argmax(axis, keep)),
            ["ArgMin"] = node => ArgExtreme(node, (x, axis, keep) => x.argmin(axis, keep)),
            ["CumSum"] = CumulativeSum,
            ["TopK"] = TopK,
        };

    private static OnnxKernel Reduce(
        OnnxNode node,
        Func<Tensor, long[], bool, Tensor> reduce,
        int axesAreInputsSince = 18
    )
    {
        bool keep = node.Int("keepdims", 1) != 0;
        bool none = node.Flag("noop_with_empty_axes");
        long[]? fixedAxes = node.Ints("axes");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            int rank = x.shape.Length;
            long[] axes =
            [
                .. ((node.Opset >= axesAreInputsSince ? inputs.Maybe(1)?.Integers : fixedAxes) ?? []).Select(axis =>
                    (long)OnnxOperators.Axis(axis, rank)
                ),
            ];
            if (axes.Length == 0 && none)
                return [x.view_as(x)];
            return
            [
                reduce(x, axes.Length == 0 ? [.. Enumerable.Range(0, rank).Select(axis => (long)axis)] : axes, keep),
            ];
        };
    }

    // LibTorch has no largest of no values; ONNX has.
    private static Tensor OrOfNone(Tensor x, long[] axes, double value) =>
        x.numel() > 0 ? x : full([.. x.shape.Select((size, axis) => axes.Contains(axis) ? 1 : size)], value, x.dtype);

    private static Tensor LogSumExp(Tensor x, long[] axes, bool keep)
    {
        // LibTorch has it over one dimension; for several, shift by the maximum first.
        if (axes.Length == 1)
            return x.logsumexp(axes[0], keep);
        Tensor largest = x.amax(axes, true);
        Tensor shift = where(largest.isfinite(), largest, zeros_like(largest));
        Tensor sums = (x - shift).exp().sum(axes, true).log() + shift;
        return keep ? sums : axes.OrderDescending().Aggregate(sums, (all, axis) => all.squeeze(axis));
    }

    private static OnnxKernel ArgExtreme(OnnxNode node, Func<Tensor, int, bool, Tensor> find)
    {
        long axis = node.Axis(0);
        bool keep = node.Int("keepdims", 1) != 0;
        if (node.Flag("select_last_index"))
            throw node.Refused("asks for the last of equal values, which is not supported");
        return inputs => [find(inputs.At(0).Tensor, OnnxOperators.Axis(axis, inputs.At(0).Tensor.shape.Length), keep)];
    }

    private static OnnxKernel CumulativeSum(OnnxNode node)
    {
        if (node.Flag("exclusive") || node.Flag("reverse"))
            throw node.Refused("sums exclusively or in reverse, which is not supported");
        return inputs =>
            [
                inputs
                    .At(0)
                    .Tensor.cumsum(OnnxOperators.Axis((long)inputs.At(1).Number, inputs.At(0).Tensor.shape.Length)),
            ];
    }

    private static OnnxKernel TopK(OnnxNode node)
    {
        long axis = node.Axis(-1);
        long count = node.Int("k", 1, 0, int.MaxValue);
        bool largest = node.Int("largest", 1) != 0;
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            int at = OnnxOperators.Axis(axis, x.shape.Length);
            double k = inputs.Maybe(1)?.Number ?? count;
            if (!(k >= 0 && k <= x.size(at)))
                throw new InvalidDataException($"it asks for the {k} largest of {x.size(at)} values");

            // Of equal values the first counts, whatever the batch.
            var (values, indices) = x.sort(at, largest, true);
            return [values.slice(at, 0, (long)k, 1), indices.slice(at, 0, (long)k, 1)];
        };
    }
}
