using Parry.Torch;

namespace Parry.Models.Onnx;

/// <summary>Operators that move, cut and join values and do not compute with them.</summary>
internal static class OnnxShapes
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } = new()
    {
        ["Reshape"] = Reshape,
        ["Flatten"] = Flatten,
        ["Transpose"] = node => node.Ints("perm") is { } order
            ? inputs => [inputs.At(0).Tensor.Permute(order)]
            : inputs => [inputs.At(0).Tensor.Permute([.. Enumerable.Range(0, inputs.At(0).Tensor.Shape.Length).Select(axis => (long)axis).Reverse()])],
        ["Squeeze"] = Squeeze,
        ["Unsqueeze"] = Unsqueeze,
        ["Concat"] = Concat,
        ["Split"] = Split,
        ["Slice"] = Slice,
        ["Gather"] = Gather,
        ["GatherElements"] = node => inputs => [inputs.At(0).Tensor.Gather(OnnxOperators.Axis(node.Int("axis", 0), inputs.At(0).Tensor.Shape.Length), Counted(inputs.At(1).Tensor, inputs.At(0).Tensor.Size(OnnxOperators.Axis(node.Int("axis", 0), inputs.At(0).Tensor.Shape.Length))))],
        ["GatherND"] = GatherByTuples,
        ["ScatterND"] = ScatterByTuples,
        ["Pad"] = Pad,
        ["Expand"] = _ => inputs => [Expand(inputs.At(0).Tensor, inputs.At(1).Integers)],
        ["Tile"] = _ => inputs => [Tile(inputs.At(0).Tensor, inputs.At(1).Integers)],
        ["Shape"] = Shape,
        ["Size"] = _ => inputs => [Tensor.From<long>([inputs.At(0).Tensor.Elements], [])],
        ["Constant"] = Constant,
        ["ConstantOfShape"] = ConstantOfShape,
        ["Range"] = _ => inputs => [Range(inputs.At(0), inputs.At(1), inputs.At(2))],
        ["Cast"] = node => OnnxOperators.Unary(Cast((OnnxType)node.Int("to", 1))),
        ["CastLike"] = _ => inputs => [Convert(inputs.At(0).Tensor, inputs.At(1).Tensor.DType)],
        ["NonZero"] = _ => OnnxOperators.Unary(x => x.NonZero().Transpose(0, 1)),
        ["DepthToSpace"] = DepthToSpace,
        ["SpaceToDepth"] = SpaceToDepth,
        ["Einsum"] = node => inputs => [Tensor.Einsum(node.Text("equation"), [.. inputs.Select(input => input!.Tensor)])],
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
                if (sizes[i] == 0 && !zeroIsZero) sizes[i] = i < x.Shape.Length ? x.Shape[i] : throw new InvalidDataException($"it copies the size {i} of {x.Describe()}");
            }

            return [x.Reshape(sizes)];
        };
    }

    private static OnnxKernel Flatten(OnnxNode node)
    {
        long axis = node.Int("axis", 1);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] shape = x.Shape;
            int from = axis == shape.Length ? shape.Length : OnnxOperators.Axis(axis, shape.Length);
            return [x.Reshape(Product(shape[..from]), Product(shape[from..]))];
        };
    }

    private static OnnxKernel Squeeze(OnnxNode node)
    {
        long[]? fixedAxes = node.Ints("axes");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] shape = x.Shape;
            long[]? axes = node.Opset < 13 ? fixedAxes : inputs.Maybe(1)?.Integers;
            HashSet<int> dropped = axes is null
                ? [.. Enumerable.Range(0, shape.Length).Where(axis => shape[axis] == 1)]
                : [.. axes.Select(axis => OnnxOperators.Axis(axis, shape.Length))];
            if (dropped.FirstOrDefault(axis => shape[axis] != 1, -1) is >= 0 and int kept) throw new InvalidDataException($"it drops the dimension {kept} of {x.Describe()}");
            return [x.Reshape([.. shape.Where((_, axis) => !dropped.Contains(axis))])];
        };
    }

    private static OnnxKernel Unsqueeze(OnnxNode node)
    {
        long[]? fixedAxes = node.Ints("axes");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] axes = (node.Opset < 13 ? fixedAxes : inputs.Maybe(1)?.Integers) ?? throw new InvalidDataException("it does not say where to add a dimension");
            int rank = x.Shape.Length + axes.Length;
            return [axes.Select(axis => OnnxOperators.Axis(axis, rank)).Order().Aggregate(x, (wider, axis) => wider.Unsqueeze(axis))];
        };
    }

    private static OnnxKernel Concat(OnnxNode node)
    {
        long axis = node.Int("axis", 1);
        return inputs =>
        {
            Tensor[] parts = [.. inputs.Select(input => input?.Tensor ?? throw new InvalidDataException("one of its inputs is missing"))];
            int at = OnnxOperators.Axis(axis, parts[0].Shape.Length);
            OnnxGuard.Claim(parts.Sum(part => part.Elements));
            return [Tensor.Cat(parts, at)];
        };
    }

    private static OnnxKernel Split(OnnxNode node)
    {
        long axis = node.Int("axis", 0), parts = node.Int("num_outputs", node.Outputs.Length);
        long[]? fixedSizes = node.Ints("split");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            int at = OnnxOperators.Axis(axis, x.Shape.Length);
            long[]? sizes = fixedSizes ?? inputs.Maybe(1)?.Integers;
            if (sizes is null)
            {
                long each = (x.Size(at) + parts - 1) / Math.Max(parts, 1);
                sizes = [.. Enumerable.Range(0, node.Outputs.Length).Select(i => Math.Clamp(x.Size(at) - (i * each), 0, each))];
            }

            if (sizes.Length < node.Outputs.Length || sizes.Any(size => size < 0) || sizes.Sum() != x.Size(at)) throw new InvalidDataException($"it splits {x.Describe()} along {at} into [{string.Join(", ", sizes)}]");
            var result = new Tensor[sizes.Length];
            long from = 0;
            for (int i = 0; i < sizes.Length; i++) result[i] = x.Slice(at, from, from += sizes[i]);
            return result;
        };
    }

    private static OnnxKernel Slice(OnnxNode node)
    {
        if (node.Opset < 10)
        {
            long[] starts = node.Ints("starts") ?? [], ends = node.Ints("ends") ?? [], axes = node.Ints("axes") ?? [.. Enumerable.Range(0, starts.Length).Select(axis => (long)axis)];
            return inputs => [Slice(inputs.At(0).Tensor, starts, ends, axes, null)];
        }

        return inputs => [Slice(inputs.At(0).Tensor, inputs.At(1).Integers, inputs.At(2).Integers, inputs.Maybe(3)?.Integers ?? [.. Enumerable.Range(0, inputs.At(1).Integers.Length).Select(axis => (long)axis)], inputs.Maybe(4)?.Integers)];
    }

    private static Tensor Slice(Tensor x, long[] starts, long[] ends, long[] axes, long[]? steps)
    {
        if (ends.Length != starts.Length || axes.Length != starts.Length || (steps is not null && steps.Length != starts.Length)) throw new InvalidDataException("its starts, ends, axes and steps are not as many");
        Tensor result = x;
        for (int i = 0; i < starts.Length; i++)
        {
            int axis = OnnxOperators.Axis(axes[i], x.Shape.Length);
            long size = x.Size(axis), step = steps?[i] ?? 1;
            if (step == 0 || step == long.MinValue) throw new InvalidDataException($"it slices in steps of {step}");
            long start = Inside(starts[i], size, step > 0 ? 0 : -1), end = Inside(ends[i], size, step > 0 ? 0 : -1);
            if (step > 0)
            {
                result = result.Slice(axis, start, Math.Max(start, end), step);
            }
            else
            {
                // From the last taken one to the first, then turned around.
                start = Math.Min(start, size - 1);
                long count = Math.Max(0, (start - end - step - 1) / -step), last = start + ((count - 1) * step);
                result = count == 0 ? result.Slice(axis, 0, 0) : result.Slice(axis, last, start + 1, -step).Flip(axis);
            }
        }

        return result;
    }

    private static long Inside(long index, long size, long least) => Math.Clamp(index < 0 ? index + size : index, least, size);

    private static OnnxKernel Gather(OnnxNode node)
    {
        long axis = node.Int("axis", 0);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor, indices = inputs.At(1).Tensor;
            int at = OnnxOperators.Axis(axis, x.Shape.Length);
            long[] shape = x.Shape;
            OnnxGuard.Claim(Product(shape[..at]), indices.Elements, Product(shape[(at + 1)..]));
            Tensor taken = x.IndexSelect(at, Counted(indices, x.Size(at)).Reshape(-1));
            return [taken.Reshape([.. shape[..at], .. indices.Shape, .. shape[(at + 1)..]])];
        };
    }

    private static OnnxKernel GatherByTuples(OnnxNode node)
    {
        if (node.Int("batch_dims", 0) != 0) throw node.Refused("gathers within batches, which is not supported");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor, indices = inputs.At(1).Tensor;
            var (rows, at, depth) = RowsAt(x, indices);
            return [rows.IndexSelect(0, at).Reshape([.. indices.Shape[..^1], .. x.Shape[depth..]])];
        };
    }

    private static OnnxKernel ScatterByTuples(OnnxNode node)
    {
        if (node.Text("reduction", "none") != "none") throw node.Refused("adds up what it scatters, which is not supported");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            var (rows, at, _) = RowsAt(x, inputs.At(1).Tensor);
            return [rows.IndexCopy(0, at, inputs.At(2).Tensor.Reshape(at.Elements, rows.Size(1))).Reshape(x.Shape)];
        };
    }

    // A tensor as rows, one for each tuple of its first indices, and which rows a list of tuples means.
    private static (Tensor Rows, Tensor At, int Depth) RowsAt(Tensor x, Tensor indices)
    {
        int depth = indices.Shape.Length > 0 ? (int)Math.Min(indices.Size(-1), 16) : 0;
        if (depth < 1 || depth > x.Shape.Length) throw new InvalidDataException($"it indexes {x.Describe()} by {indices.Describe()}");
        long[] sizes = x.Shape[..depth];
        Tensor tuples = indices.To(DType.Int64).Reshape(-1, depth), at = Tensor.Zeros([tuples.Size(0)], DType.Int64);
        for (int axis = 0; axis < depth; axis++) at = at.Mul(Tensor.From<long>([sizes[axis]], [])).Add(Counted(tuples.Select(1, axis), sizes[axis]));
        return (x.Reshape(Product(sizes), Product(x.Shape[depth..])), at, depth);
    }

    // Negative indices count from the end; others outside are LibTorch's to refuse.
    private static Tensor Counted(Tensor indices, long size)
    {
        Tensor whole = indices.To(DType.Int64);
        return Tensor.Where(whole.Less(0), whole.Add(Tensor.From<long>([size], [])), whole);
    }

    private static OnnxKernel Pad(OnnxNode node)
    {
        string mode = node.Text("mode", "constant");
        if (mode is not ("constant" or "reflect" or "edge")) throw node.Refused($"pads by \"{mode}\"; constant, reflect and edge are known");
        long[]? fixedPads = node.Ints("pads");
        double fixedValue = node.Float("value", 0);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            bool old = node.Opset < 11;
            long[] pads = (old ? fixedPads : inputs.At(1).Integers) ?? throw new InvalidDataException("it does not say how much to pad");
            int rank = x.Shape.Length;
            int[] axes = [.. inputs.Maybe(3) is { } some ? some.Integers.Select(axis => OnnxOperators.Axis(axis, rank)) : Enumerable.Range(0, rank)];
            return [Pad(x, axes, pads, mode, old ? fixedValue : inputs.Maybe(2)?.Number ?? 0)];
        };
    }

    private static Tensor Pad(Tensor x, int[] axes, long[] pads, string mode, double value)
    {
        if (pads.Length != 2 * axes.Length) throw new InvalidDataException($"it pads {axes.Length} dimensions by {pads.Length} amounts");
        int rank = x.Shape.Length;
        var sizes = new long[2 * rank];
        for (int i = 0; i < axes.Length; i++)
        {
            sizes[2 * (rank - 1 - axes[i])] = pads[i];
            sizes[(2 * (rank - 1 - axes[i])) + 1] = pads[i + axes.Length];
        }

        if (sizes.Any(size => size is > 1 << 20 or < -(1 << 20))) throw new InvalidDataException($"it pads by [{string.Join(", ", pads)}]");
        OnnxGuard.Claim([.. x.Shape.Select((size, axis) => size + sizes[2 * (rank - 1 - axis)] + sizes[(2 * (rank - 1 - axis)) + 1])]);
        if (mode == "constant") return x.Pad(sizes, value);

        // LibTorch pads the last dimensions by other modes and takes no zeros for the others.
        int padded = sizes.Length;
        while (padded > 2 && sizes[padded - 1] == 0 && sizes[padded - 2] == 0) padded -= 2;
        return x.Pad(sizes[..padded], mode == "edge" ? "replicate" : "reflect");
    }

    private static Tensor Expand(Tensor x, long[] sizes)
    {
        long[] shape = OnnxOperators.Broadcast(x.Shape, sizes);
        OnnxGuard.Claim(shape);
        return x.Expand(shape);
    }

    private static Tensor Tile(Tensor x, long[] times)
    {
        OnnxGuard.Claim([.. x.Shape.Zip(times, (size, count) => checked(size * count))]);
        return x.Repeat(times);
    }

    private static OnnxKernel Shape(OnnxNode node)
    {
        long start = node.Int("start", 0), end = node.Int("end", long.MaxValue);
        return inputs =>
        {
            long[] shape = inputs.At(0).Tensor.Shape;
            int from = (int)Inside(start, shape.Length, 0), to = (int)Inside(end, shape.Length, 0);
            return [Tensor.From(shape[from..Math.Max(from, to)])];
        };
    }

    private static OnnxKernel Constant(OnnxNode node)
    {
        if (node.Tensor("value") is { } tensor) return _ => [tensor.Read()];
        if (node.Ints("value_ints") is { } integers) return _ => [Tensor.From(integers)];
        if (node.Floats("value_floats") is { } numbers) return _ => [Tensor.From(numbers)];
        if (node.Has("value_int")) return _ => [Tensor.From<long>([node.Int("value_int", 0)], [])];
        if (node.Has("value_float")) return _ => [Tensor.From<float>([(float)node.Float("value_float", 0)], [])];
        throw node.Refused("has no value that can be read");
    }

    private static OnnxKernel ConstantOfShape(OnnxNode node)
    {
        using Tensor? value = node.Tensor("value")?.Read();
        var (number, type) = value is null ? (0, DType.Float32) : (value.ToDouble(), value.DType);
        return inputs =>
        {
            long[] shape = inputs.At(0).Integers;
            OnnxGuard.Claim(shape);
            return [Tensor.Full(shape, number, type)];
        };
    }

    private static Tensor Range(OnnxValue start, OnnxValue limit, OnnxValue delta)
    {
        double count = Math.Max(0, Math.Ceiling((limit.Number - start.Number) / delta.Number));
        if (!double.IsFinite(count)) throw new InvalidDataException($"it counts from {start.Number} to {limit.Number} in steps of {delta.Number}");
        OnnxGuard.Claim((long)Math.Min(count, long.MaxValue / 2));
        Tensor steps = Tensor.Range((long)count);
        return start.Tensor.DType is DType.Int64 or DType.Int32
            ? steps.Mul(delta.Tensor).Add(start.Tensor)
            : steps.To(DType.Float64).Mul(delta.Number).Add(start.Number).To(start.Tensor.DType);
    }

    private static Func<Tensor, Tensor> Cast(OnnxType type)
    {
        DType to = OnnxTensor.TypeOf(type);
        return x => Convert(x, to);
    }

    private static Tensor Convert(Tensor x, DType type) => x.DType == type ? x.Alias() : x.To(type);

    private static OnnxKernel DepthToSpace(OnnxNode node)
    {
        long block = node.Int("blocksize", 1);
        bool columnFirst = node.Text("mode", "DCR") == "CRD";
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long n = x.Size(0), c = x.Size(1), h = x.Size(2), w = x.Size(3), deep = c / (block * block);
            return [columnFirst
                ? x.Reshape(n, deep, block, block, h, w).Permute(0, 1, 4, 2, 5, 3).Reshape(n, deep, h * block, w * block)
                : x.Reshape(n, block, block, deep, h, w).Permute(0, 3, 4, 1, 5, 2).Reshape(n, deep, h * block, w * block)];
        };
    }

    private static OnnxKernel SpaceToDepth(OnnxNode node)
    {
        long block = node.Int("blocksize", 1);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long n = x.Size(0), c = x.Size(1), h = x.Size(2) / block, w = x.Size(3) / block;
            return [x.Reshape(n, c, h, block, w, block).Permute(0, 3, 5, 1, 2, 4).Reshape(n, c * block * block, h, w)];
        };
    }

    private static long Product(long[] sizes) => sizes.Aggregate(1L, (product, size) => checked(product * size));
}
