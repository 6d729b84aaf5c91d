using Parry.Models.Onnx.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>Operators that join and split values and pick entries by their indices.</summary>
internal static class OnnxIndexing
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } =
        new()
        {
            ["Concat"] = Concat,
            ["Split"] = Split,
            ["Slice"] = Slice,
            ["Gather"] = Gather,
            ["GatherElements"] = GatherElements,
            ["GatherND"] = GatherByTuples,
            ["ScatterND"] = ScatterByTuples,
            ["NonZero"] = _ => OnnxOperators.Unary(NonZero),
        };

    private static Tensor NonZero(Tensor x)
    {
        OnnxGuard.Claim(2, Math.Max(1, x.shape.Length), x.numel());
        return x.nonzero().transpose(0, 1);
    }

    private static OnnxKernel Concat(OnnxNode node)
    {
        long axis = node.Axis(1);
        return inputs =>
        {
            Tensor[] parts = OnnxOperators.All(inputs);
            int at = OnnxOperators.Axis(axis, parts[0].shape.Length);
            OnnxGuard.Claim(parts.Sum(part => part.numel()));
            return [cat(parts, at)];
        };
    }

    private static OnnxKernel Split(OnnxNode node)
    {
        long axis = node.Axis(0);
        long parts = node.Int("num_outputs", node.Outputs.Length, 1, int.MaxValue);
        long[]? fixedSizes = node.Ints("split");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            int at = OnnxOperators.Axis(axis, x.shape.Length);
            long[]? sizes = fixedSizes ?? inputs.Maybe(1)?.Integers;
            if (sizes is null)
            {
                long each = (x.size(at) + parts - 1) / Math.Max(parts, 1);
                sizes =
                [
                    .. Enumerable
                        .Range(0, node.Outputs.Length)
                        .Select(i => Math.Clamp(x.size(at) - (i * each), 0, each)),
                ];
            }

            if (sizes.Length < node.Outputs.Length || sizes.Any(size => size < 0) || sizes.Sum() != x.size(at))
                throw new InvalidDataException(
                    $"it splits {x.Describe()} along {at} into [{string.Join(", ", sizes)}]"
                );
            var result = new Tensor[sizes.Length];
            long from = 0;
            for (int i = 0; i < sizes.Length; i++)
                result[i] = x.slice(at, from, from += sizes[i], 1);
            return result;
        };
    }

    private static OnnxKernel Slice(OnnxNode node)
    {
        if (node.Opset < 10)
        {
            long[] starts = node.Ints("starts") ?? [];
            long[] ends = node.Ints("ends") ?? [];
            long[] axes = node.Ints("axes") ?? [.. Enumerable.Range(0, starts.Length).Select(axis => (long)axis)];
            return inputs => [Slice(inputs.At(0).Tensor, starts, ends, axes, null)];
        }

        return inputs =>
            [
                Slice(
                    inputs.At(0).Tensor,
                    inputs.At(1).Integers,
                    inputs.At(2).Integers,
                    inputs.Maybe(3)?.Integers
                        ?? [.. Enumerable.Range(0, inputs.At(1).Integers.Length).Select(axis => (long)axis)],
                    inputs.Maybe(4)?.Integers
                ),
            ];
    }

    private static Tensor Slice(Tensor x, long[] starts, long[] ends, long[] axes, long[]? steps)
    {
        if (
            ends.Length != starts.Length
            || axes.Length != starts.Length
            || (steps is not null && steps.Length != starts.Length)
        )
            throw new InvalidDataException("its starts, ends, axes and steps differ in number");
        Tensor result = x;
        for (int i = 0; i < starts.Length; i++)
        {
            int axis = OnnxOperators.Axis(axes[i], x.shape.Length);
            long size = x.size(axis);
            long step = steps?[i] ?? 1;
            if (step == 0)
                throw new InvalidDataException($"it slices in steps of {step}");
            step = Math.Clamp(step, -size - 1, size + 1);
            long start = OnnxShapes.Inside(starts[i], size, step > 0 ? 0 : -1);
            long end = OnnxShapes.Inside(ends[i], size, step > 0 ? 0 : -1);
            if (step > 0)
            {
                result = result.slice(axis, start, Math.Max(start, end), step);
            }
            else
            {
                // Take the entries in ascending order, then reverse them.
                start = Math.Min(start, size - 1);
                long count = Math.Max(0, (start - end - step - 1) / -step);
                long last = start + ((count - 1) * step);
                result =
                    count == 0 ? result.slice(axis, 0, 0, 1) : result.slice(axis, last, start + 1, -step).flip(axis);
            }
        }

        return result;
    }

    private static OnnxKernel Gather(OnnxNode node)
    {
        long axis = node.Axis(0);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            Tensor indices = inputs.At(1).Tensor;
            int at = OnnxOperators.Axis(axis, x.shape.Length);
            long[] shape = x.shape;
            OnnxGuard.Claim(OnnxShapes.Product(shape[..at]), indices.numel(), OnnxShapes.Product(shape[(at + 1)..]));
            Tensor taken = x.index_select(at, Counted(indices, x.size(at)).reshape(-1));
            return [taken.reshape([.. shape[..at], .. indices.shape, .. shape[(at + 1)..]])];
        };
    }

    private static OnnxKernel GatherElements(OnnxNode node)
    {
        long axis = node.Axis(0);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            int at = OnnxOperators.Axis(axis, x.shape.Length);
            return [x.gather(at, Counted(OnnxOperators.Bounded(inputs.At(1).Tensor), x.size(at)))];
        };
    }

    private static OnnxKernel GatherByTuples(OnnxNode node)
    {
        if (node.Int("batch_dims", 0) != 0)
            throw node.Refused("gathers within batches, which is not supported");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            Tensor indices = inputs.At(1).Tensor;
            var (rows, at, depth) = RowsAt(x, indices);
            OnnxGuard.Claim(at.numel(), rows.size(1));
            return [rows.index_select(0, at).reshape([.. indices.shape[..^1], .. x.shape[depth..]])];
        };
    }

    private static OnnxKernel ScatterByTuples(OnnxNode node)
    {
        if (node.Text("reduction", "none") != "none")
            throw node.Refused("scatters with a reduction, which is not supported");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            var (rows, at, _) = RowsAt(x, inputs.At(1).Tensor);
            return [rows.index_copy(0, at, inputs.At(2).Tensor.reshape(at.numel(), rows.size(1))).reshape(x.shape)];
        };
    }

    // Views a tensor as rows, one for each tuple of its first indices, and converts index tuples to row numbers.
    private static (Tensor Rows, Tensor At, int Depth) RowsAt(Tensor x, Tensor indices)
    {
        int depth = indices.shape.Length > 0 ? (int)Math.Min(indices.size(-1), 16) : 0;
        if (depth < 1 || depth > x.shape.Length)
            throw new InvalidDataException($"it indexes {x.Describe()} by {indices.Describe()}");
        long[] sizes = x.shape[..depth];
        Tensor tuples = indices.to(ScalarType.Int64).reshape(-1, depth);
        Tensor at = zeros([tuples.size(0)], ScalarType.Int64);
        for (int axis = 0; axis < depth; axis++)
            at = (at * tensor(new long[] { sizes[axis] }, [])) + Counted(tuples.select(1, axis), sizes[axis]);
        return (x.reshape(OnnxShapes.Product(sizes), OnnxShapes.Product(x.shape[depth..])), at, depth);
    }

    // Negative indices count from the end; LibTorch refuses others that are out of range.
    private static Tensor Counted(Tensor indices, long size)
    {
        Tensor whole = indices.to(ScalarType.Int64);
        return where(whole.lt(0.0), whole + tensor(new long[] { size }, []), whole);
    }
}
