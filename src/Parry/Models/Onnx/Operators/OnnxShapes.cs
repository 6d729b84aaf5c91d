using Parry.Models.Onnx.Files;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>Operators that change the shape or the type of values, and those that make constants.</summary>
internal static class OnnxShapes
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } =
        new()
        {
            ["Reshape"] = Reshape,
            ["Flatten"] = Flatten,
            ["Transpose"] = Transpose,
            ["Squeeze"] = Squeeze,
            ["Unsqueeze"] = Unsqueeze,
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
            ["DepthToSpace"] = DepthToSpace,
            ["SpaceToDepth"] = SpaceToDepth,
            ["Einsum"] = OnnxEinsum.Make,
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
        long axis = node.Axis(1);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] shape = x.shape;
            int from = axis == shape.Length ? shape.Length : OnnxOperators.Axis(axis, shape.Length);
            return [x.reshape(Product(shape[..from]), Product(shape[from..]))];
        };
    }

    private static OnnxKernel Transpose(OnnxNode node)
    {
        long[]? order = node.Ints("perm");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            return [x.permute(order ?? [.. Enumerable.Range(0, x.shape.Length).Select(axis => (long)axis).Reverse()])];
        };
    }

    private static OnnxKernel Squeeze(OnnxNode node)
    {
        long[]? fixedAxes = node.Ints("axes");

        // Without axes, the first run decides, which is one on several images: a batch of one keeps its dimension.
        HashSet<int>? seen = null;
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] shape = x.shape;
            long[]? axes = node.Opset < 13 ? fixedAxes : inputs.Maybe(1)?.Integers;
            HashSet<int> dropped = axes is null
                ? seen ??= [.. Enumerable.Range(0, shape.Length).Where(axis => shape[axis] == 1)]
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
                ?? throw new InvalidDataException("it does not have the axes of the dimensions to add");
            int rank = x.shape.Length + axes.Length;
            return
            [
                axes.Select(axis => OnnxOperators.Axis(axis, rank))
                    .Order()
                    .Aggregate(x, (wider, axis) => wider.unsqueeze(axis)),
            ];
        };
    }

    internal static long Inside(long index, long size, long least) =>
        Math.Clamp(index < 0 ? index + size : index, least, size);

    private static OnnxKernel Pad(OnnxNode node)
    {
        string mode = node.Text("mode", "constant");
        if (mode is not ("constant" or "reflect" or "edge"))
            throw node.Refused($"pads by \"{mode}\", which is not supported; expected constant, reflect or edge");
        long[]? fixedPads = node.Ints("pads");
        double fixedValue = node.Float("value", 0);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            bool old = node.Opset < 11;
            long[] pads =
                (old ? fixedPads : inputs.At(1).Integers)
                ?? throw new InvalidDataException("it does not have the amounts of padding");
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

        // In modes other than constant, LibTorch pads only the last dimensions and does not accept zeros for the
        // others.
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
        if (times.Length != x.shape.Length)
            throw new InvalidDataException($"it repeats {x.Describe()} by {times.Length} numbers");
        OnnxGuard.Claim([.. x.shape, .. times]);
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
        throw node.Refused("has no value that is supported");
    }

    private static OnnxKernel ConstantOfShape(OnnxNode node)
    {
        using Tensor? value = node.Tensor("value")?.Read();
        var (number, type) = value is null ? (0, ScalarType.Float32) : (value.Item(), value.dtype);
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
            ? (steps * delta.Tensor) + start.Tensor
            : ((steps.to(ScalarType.Float64) * delta.Number) + start.Number).to(start.Tensor.dtype);
    }

    private static Func<Tensor, Tensor> Cast(OnnxType type)
    {
        ScalarType to = OnnxTensor.TypeOf(type);
        return x => Convert(x, to);
    }

    private static Tensor Convert(Tensor x, ScalarType type) => x.dtype == type ? x.view_as(x) : x.to(type);

    private static OnnxKernel DepthToSpace(OnnxNode node)
    {
        long block = node.Int("blocksize", 1, 1, 1 << 14);
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
        long block = node.Int("blocksize", 1, 1, 1 << 14);
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

    internal static long Product(long[] sizes) => sizes.Aggregate(1L, (product, size) => checked(product * size));
}
