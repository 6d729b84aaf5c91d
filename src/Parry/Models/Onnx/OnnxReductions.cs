using Parry.Torch;

namespace Parry.Models.Onnx;

/// <summary>Operators that make one number of many.</summary>
internal static class OnnxReductions
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } = new()
    {
        ["ReduceMean"] = node => Reduce(node, (x, axes, keep) => x.Mean(axes, keep)),
        ["ReduceSum"] = node => Reduce(node, (x, axes, keep) => x.Sum(axes, keep), axesAreInputsSince: 13),
        ["ReduceMax"] = node => Reduce(node, (x, axes, keep) => x.Amax(axes, keep)),
        ["ReduceMin"] = node => Reduce(node, (x, axes, keep) => x.Amin(axes, keep)),
        ["ReduceL1"] = node => Reduce(node, (x, axes, keep) => x.Abs().Sum(axes, keep)),
        ["ReduceL2"] = node => Reduce(node, (x, axes, keep) => x.Norm(2, axes, keep)),
        ["ReduceSumSquare"] = node => Reduce(node, (x, axes, keep) => x.Mul(x).Sum(axes, keep)),
        ["ReduceLogSum"] = node => Reduce(node, (x, axes, keep) => x.Sum(axes, keep).Log()),
        ["ReduceLogSumExp"] = node => Reduce(node, (x, axes, keep) => x.LogSumExp(axes, keep)),
        ["ReduceProd"] = node => Reduce(node, (x, axes, keep) => axes.OrderDescending().Aggregate(x, (product, axis) => product.Product(axis, keep))),
        ["ArgMax"] = node => ArgExtreme(node, (x, axis, keep) => x.ArgMax(axis, keep)),
        ["ArgMin"] = node => ArgExtreme(node, (x, axis, keep) => x.ArgMin(axis, keep)),
        ["CumSum"] = CumulativeSum,
        ["TopK"] = TopK,
    };

    private static OnnxKernel Reduce(OnnxNode node, Func<Tensor, long[], bool, Tensor> reduce, int axesAreInputsSince = 18)
    {
        bool keep = node.Int("keepdims", 1) != 0, none = node.Flag("noop_with_empty_axes");
        long[]? fixedAxes = node.Ints("axes");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            int rank = x.Shape.Length;
            long[] axes = [.. ((node.Opset >= axesAreInputsSince ? inputs.Maybe(1)?.Integers : fixedAxes) ?? []).Select(axis => (long)OnnxOperators.Axis(axis, rank))];
            if (axes.Length == 0 && none) return [x.Alias()];
            return [reduce(x, axes.Length == 0 ? [.. Enumerable.Range(0, rank).Select(axis => (long)axis)] : axes, keep)];
        };
    }

    private static OnnxKernel ArgExtreme(OnnxNode node, Func<Tensor, int, bool, Tensor> find)
    {
        long axis = node.Int("axis", 0);
        bool keep = node.Int("keepdims", 1) != 0;
        if (node.Flag("select_last_index")) throw node.Refused("wants the last of equal values, which cannot be told");
        return inputs => [find(inputs.At(0).Tensor, OnnxOperators.Axis(axis, inputs.At(0).Tensor.Shape.Length), keep)];
    }

    private static OnnxKernel CumulativeSum(OnnxNode node)
    {
        if (node.Flag("exclusive") || node.Flag("reverse")) throw node.Refused("sums exclusively or backwards, which is not supported");
        return inputs => [inputs.At(0).Tensor.CumulativeSum(OnnxOperators.Axis((long)inputs.At(1).Number, inputs.At(0).Tensor.Shape.Length))];
    }

    private static OnnxKernel TopK(OnnxNode node)
    {
        long axis = node.Int("axis", -1), count = node.Int("k", 1);
        if (node.Int("largest", 1) == 0) throw node.Refused("looks for the smallest values, which is not supported");
        return inputs =>
        {
            var (values, indices) = inputs.At(0).Tensor.TopK(inputs.Maybe(1) is { } k ? (long)k.Number : count, OnnxOperators.Axis(axis, inputs.At(0).Tensor.Shape.Length));
            return [values, indices];
        };
    }
}
