using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Models.Onnx;

/// <summary>Operators that move, cut and join values and do not compute with them.</summary>
internal static class OnnxShapes
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } =
        new()
        {
            ["Reshape"] = Reshape,
            ["Flatten"] = Flatten,
            ["Transpose"] = node =>
                node.Ints("perm") is { } order
                    ? inputs => [inputs.At(0).Tensor.permute(order)]
                    : inputs =>
                        [
                            inputs
                                .At(0)
                                .Tensor.permute([
                                    .. Enumerable
                                        .Range(0, inputs.At(0).Tensor.shape.Length)
                                        .Select(axis => (long)axis)
                                        .Reverse(),
                                ]),
                        ],
            ["Squeeze"] = Squeeze,
            ["Unsqueeze"] = Unsqueeze,
            ["Concat"] = Concat,
            ["Split"] = Split,
            ["Slice"] = Slice,
            ["Gather"] = Gather,
            ["GatherElements"] = node =>
                inputs =>
                    [
                        inputs
                            .At(0)
                            .Tensor.gather(
                                OnnxOperators.Axis(node.Int("axis", 0), inputs.At(0).Tensor.shape.Length),
                                Counted(
                                    inputs.At(1).Tensor,
                                    inputs
                                        .At(0)
                                        .Tensor.size(
                                            OnnxOperators.Axis(node.Int("axis", 0), inputs.At(0).Tensor.shape.Length)
                                        )
                                )
                            ),
                    ],
            ["GatherND"] = GatherByTuples,
            ["ScatterND"] = ScatterByTuples,
            ["Pad"] = Pad,
            ["Expand"] = _ => inputs => [Expand(inputs.At(0).Tensor, inputs.At(1).Integers)],
            ["Tile"] = _ => inputs => [Tile(inputs.At(0).Tensor, inputs.At(1).Integers)],
            ["Shape"] = Shape,
            ["Size"] = _ => inputs => [tensor(new long[] { inputs.At(0).Tensor.numel() }, [])],
            ["Constant"] = Constant,
            ["ConstantOfShape"] = ConstantOfShape,
            ["Range"] = _ => inputs => [Range(inputs.At(0), inputs.At(1), inputs.At(2))],
            ["Cast"] = node => OnnxOperators.Unary(Cast((OnnxType)node.Int("to", 1))),
            ["CastLike"] = _ => inputs => [Convert(inputs.At(0).Tensor, inputs.At(1).Tensor.dtype)],
            ["NonZero"] = _ => OnnxOperators.Unary(x => x.nonzero().transpose(0, 1)),
            ["DepthToSpace"] = DepthToSpace,
            ["SpaceToDepth"] = SpaceToDepth,
            ["Einsum"] = node => inputs => [einsum(node.Text("equation"), [.. inputs.Select(input => input!.Tensor)])],
        };

    private static OnnxKernel Reshape(OnnxNode node)
    {
        bool zeroIsZero = node.Flag("allowzero");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] sizes = [.. inputs.At(1).Integers];
            for (int i = 0; i < sizes.Length; i++)
            {
                if (sizes[i] == 0 && !zeroIsZero)
                    sizes[i] =
                        i < x.shape.Length
                            ? x.shape[i]
                            : throw new InvalidDataException($"it copies the size {i} of {x.Describe()}");
            }

            return [x.reshape(sizes)];
        };
    }

    private static OnnxKernel Flatten(OnnxNode node)
    {
        long axis = node.Int("axis", 1);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] shape = x.shape;
            int from = axis == shape.Length ? shape.Length : OnnxOperators.Axis(axis, shape.Length);
            return [x.reshape(Product(shape[..from]), Product(shape[from..]))];
        };
    }

    private static OnnxKernel Squeeze(OnnxNode node)
    {
        long[]? fixedAxes = node.Ints("axes");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] shape = x.shape;
            long[]? axes = node.Opset < 13 ? fixedAxes : inputs.Maybe(1)?.Integers;
            HashSet<int> dropped = axes is null
                ? [.. Enumerable.Range(0, shape.Length).Where(axis => shape[axis] == 1)]
                : [.. axes.Select(axis => OnnxOperators.Axis(axis, shape.Length))];
            if (dropped.FirstOrDefault(axis => shape[axis] != 1, -1) is >= 0 and int kept)
                throw new InvalidDataException($"it drops the dimension {kept} of {x.Describe()}");
            return [x.reshape([.. shape.Where((_, axis) => !dropped.Contains(axis))])];
        };
    }

    private static OnnxKernel Unsqueeze(OnnxNode node)
    {
        long[]? fixedAxes = node.Ints("axes");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] axes =
                (node.Opset < 13 ? fixedAxes : inputs.Maybe(1)?.Integers)
                ?? throw new InvalidDataException("it does not say where to add a dimension");
            int rank = x.shape.Length + axes.Length;
            return
            [
                axes.Select(axis => OnnxOperators.Axis(axis, rank))
                    .Order()
                    .Aggregate(x, (wider, axis) => wider.unsqueeze(axis)),
            ];
        };
    }

    private static OnnxKernel Concat(OnnxNode node)
    {
        long axis = node.Int("axis", 1);
        return inputs =>
        {
            Tensor[] parts =
            [
                .. inputs.Select(input =>
                    input?.Tensor ?? throw new InvalidDataException("one of its inputs is missing")
                ),
            ];
            int at = OnnxOperators.Axis(axis, parts[0].shape.Length);
            OnnxGuard.Claim(parts.Sum(part => part.numel()));
            return [cat(parts, at)];
        };
    }

    private static OnnxKernel Split(OnnxNode node)
    {
        long axis = node.Int("axis", 0);
        long parts = node.Int("num_outputs", node.Outputs.Length);
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
            throw new InvalidDataException("its starts, ends, axes and steps are not as many");
        Tensor result = x;
        for (int i = 0; i < starts.Length; i++)
        {
            int axis = OnnxOperators.Axis(axes[i], x.shape.Length);
            long size = x.size(axis);
            long step = steps?[i] ?? 1;
            if (step == 0 || step == long.MinValue)
                throw new InvalidDataException($"it slices in steps of {step}");
            long start = Inside(starts[i], size, step > 0 ? 0 : -1);
            long end = Inside(ends[i], size, step > 0 ? 0 : -1);
            if (step > 0)
            {
                result = result.slice(axis, start, Math.Max(start, end), step);
            }
            else
            {
                // From the last taken one to the first, then turned around.
                start = Math.Min(start, size - 1);
                long count = Math.Max(0, (start - end - step - 1) / -step);
                long last = start + ((count - 1) * step);
                result =
                    count == 0 ? result.slice(axis, 0, 0, 1) : result.slice(axis, last, start + 1, -step).flip(axis);
            }
        }

        return result;
    }

    private static long Inside(long index, long size, long least) =>
        Math.Clamp(index < 0 ? index + size : index, least, size);

    private static OnnxKernel Gather(OnnxNode node)
    {
        long axis = node.Int("axis", 0);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            Tensor indices = inputs.At(1).Tensor;
            int at = OnnxOperators.Axis(axis, x.shape.Length);
            long[] shape = x.shape;
            OnnxGuard.Claim(Product(shape[..at]), indices.numel(), Product(shape[(at + 1)..]));
            Tensor taken = x.index_select(at, Counted(indices, x.size(at)).reshape(-1));
            return [taken.reshape([.. shape[..at], .. indices.shape, .. shape[(at + 1)..]])];
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
            return [rows.index_select(0, at).reshape([.. indices.shape[..^1], .. x.shape[depth..]])];
        };
    }

    private static OnnxKernel ScatterByTuples(OnnxNode node)
    {
        if (node.Text("reduction", "none") != "none")
            throw node.Refused("adds up what it scatters, which is not supported");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            var (rows, at, _) = RowsAt(x, inputs.At(1).Tensor);
            return [rows.index_copy(0, at, inputs.At(2).Tensor.reshape(at.numel(), rows.size(1))).reshape(x.shape)];
        };
    }

    // A tensor as rows, one for each tuple of its first indices, and which rows a list of tuples means.
    private static (Tensor Rows, Tensor At, int Depth) RowsAt(Tensor x, Tensor indices)
    {
        int depth = indices.shape.Length > 0 ? (int)Math.Min(indices.size(-1), 16) : 0;
        if (depth < 1 || depth > x.shape.Length)
            throw new InvalidDataException($"it indexes {x.Describe()} by {indices.Describe()}");
        long[] sizes = x.shape[..depth];
        Tensor tuples = indices.to(ScalarType.Int64).reshape(-1, depth);
        Tensor at = zeros([tuples.size(0)], ScalarType.Int64);
        for (int axis = 0; axis < depth; axis++)
            at = at.mul(tensor(new long[] { sizes[axis] }, [])).add(Counted(tuples.select(1, axis), sizes[axis]));
        return (x.reshape(Product(sizes), Product(x.shape[depth..])), at, depth);
    }

    // Negative indices count from the end; others outside are LibTorch's to refuse.
    private static Tensor Counted(Tensor indices, long size)
    {
        Tensor whole = indices.to(ScalarType.Int64);
        return where(whole.lt(0.0), whole.add(tensor(new long[] { size }, [])), whole);
    }

    private static OnnxKernel Pad(OnnxNode node)
    {
        string mode = node.Text("mode", "constant");
        if (mode is not ("constant" or "reflect" or "edge"))
            throw node.Refused($"pads by \"{mode}\"; constant, reflect and edge are known");
        long[]? fixedPads = node.Ints("pads");
        double fixedValue = node.Float("value", 0);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            bool old = node.Opset < 11;
            long[] pads =
                (old ? fixedPads : inputs.At(1).Integers)
                ?? throw new InvalidDataException("it does not say how much to pad");
            int rank = x.shape.Length;
            int[] axes =
            [
                .. inputs.Maybe(3) is { } some
                    ? some.Integers.Select(axis => OnnxOperators.Axis(axis, rank))
                    : Enumerable.Range(0, rank),
            ];
            return [Pad(x, axes, pads, mode, old ? fixedValue : inputs.Maybe(2)?.Number ?? 0)];
        };
    }

    private static Tensor Pad(Tensor x, int[] axes, long[] pads, string mode, double value)
    {
        if (pads.Length != 2 * axes.Length)
            throw new InvalidDataException($"it pads {axes.Length} dimensions by {pads.Length} amounts");
        int rank = x.shape.Length;
        var sizes = new long[2 * rank];
        for (int i = 0; i < axes.Length; i++)
        {
            sizes[2 * (rank - 1 - axes[i])] = pads[i];
            sizes[(2 * (rank - 1 - axes[i])) + 1] = pads[i + axes.Length];
        }

        if (sizes.Any(size => size is > 1 << 20 or < -(1 << 20)))
            throw new InvalidDataException($"it pads by [{string.Join(", ", pads)}]");
        OnnxGuard.Claim([
            .. x.shape.Select((size, axis) => size + sizes[2 * (rank - 1 - axis)] + sizes[(2 * (rank - 1 - axis)) + 1]),
        ]);
        if (mode == "constant")
            return nn.functional.pad(x, sizes, value: value);

        // LibTorch pads the last dimensions by other modes and takes no zeros for the others.
        int padded = sizes.Length;
        while (padded > 2 && sizes[padded - 1] == 0 && sizes[padded - 2] == 0)
            padded -= 2;
        return nn.functional.pad(x, sizes[..padded], mode == "edge" ? PaddingModes.Replicate : PaddingModes.Reflect);
    }

    private static Tensor Expand(Tensor x, long[] sizes)
    {
        long[] shape = OnnxOperators.Broadcast(x.shape, sizes);
        OnnxGuard.Claim(shape);
        return x.expand(shape);
    }

    private static Tensor Tile(Tensor x, long[] times)
    {
        OnnxGuard.Claim([.. x.shape.Zip(times, (size, count) => checked(size * count))]);
        return x.repeat(times);
    }

    private static OnnxKernel Shape(OnnxNode node)
    {
        long start = node.Int("start", 0);
        long end = node.Int("end", long.MaxValue);
        return inputs =>
        {
            long[] shape = inputs.At(0).Tensor.shape;
            int from = (int)Inside(start, shape.Length, 0);
            int to = (int)Inside(end, shape.Length, 0);
            return [tensor(shape[from..Math.Max(from, to)])];
        };
    }

    private static OnnxKernel Constant(OnnxNode node)
    {
        if (node.Tensor("value") is { } given)
            return _ => [given.Read()];
        if (node.Ints("value_ints") is { } integers)
            return _ => [tensor(integers)];
        if (node.Floats("value_floats") is { } numbers)
            return _ => [tensor(numbers)];
        if (node.Has("value_int"))
            return _ => [tensor(new long[] { node.Int("value_int", 0) }, [])];
        if (node.Has("value_float"))
            return _ => [tensor(new float[] { (float)node.Float("value_float", 0) }, [])];
        throw node.Refused("has no value that can be read");
    }

    private static OnnxKernel ConstantOfShape(OnnxNode node)
    {
        using Tensor? value = node.Tensor("value")?.Read();
        var (number, type) = value is null ? (0, ScalarType.Float32) : (value.ToDouble(), value.dtype);
        return inputs =>
        {
            long[] shape = inputs.At(0).Integers;
            OnnxGuard.Claim(shape);
            return [full(shape, number, type)];
        };
    }

    private static Tensor Range(OnnxValue start, OnnxValue limit, OnnxValue delta)
    {
        double count = Math.Max(0, Math.Ceiling((limit.Number - start.Number) / delta.Number));
        if (!double.IsFinite(count))
            throw new InvalidDataException(
                $"it counts from {start.Number} to {limit.Number} in steps of {delta.Number}"
            );
        OnnxGuard.Claim((long)Math.Min(count, long.MaxValue / 2));
        Tensor steps = arange((long)count, ScalarType.Int64);
        return start.Tensor.dtype is ScalarType.Int64 or ScalarType.Int32
            ? steps.mul(delta.Tensor).add(start.Tensor)
            : steps.to(ScalarType.Float64).mul(delta.Number).add(start.Number).to(start.Tensor.dtype);
    }

    private static Func<Tensor, Tensor> Cast(OnnxType type)
    {
        ScalarType to = OnnxTensor.TypeOf(type);
        return x => Convert(x, to);
    }

    private static Tensor Convert(Tensor x, ScalarType type) => x.dtype == type ? x.view_as(x) : x.to(type);

    private static OnnxKernel DepthToSpace(OnnxNode node)
    {
        long block = node.Int("blocksize", 1);
        bool columnFirst = node.Text("mode", "DCR") == "CRD";
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long n = x.size(0);
            long c = x.size(1);
            long h = x.size(2);
            long w = x.size(3);
            long deep = c / (block * block);
            return
            [
                columnFirst
                    ? x.reshape(n, deep, block, block, h, w)
                        .permute(0, 1, 4, 2, 5, 3)
                        .reshape(n, deep, h * block, w * block)
                    : x.reshape(n, block, block, deep, h, w)
                        .permute(0, 3, 4, 1, 5, 2)
                        .reshape(n, deep, h * block, w * block),
            ];
        };
    }

    private static OnnxKernel SpaceToDepth(OnnxNode node)
    {
        long block = node.Int("blocksize", 1);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long n = x.size(0);
            long c = x.size(1);
            long h = x.size(2) / block;
            long w = x.size(3) / block;
            return [x.reshape(n, c, h, block, w, block).permute(0, 3, 5, 1, 2, 4).reshape(n, c * block * block, h, w)];
        };
    }

    private static long Product(long[] sizes) => sizes.Aggregate(1L, (product, size) => checked(product * size));
}
