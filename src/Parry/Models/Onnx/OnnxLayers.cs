using Parry.Torch;

namespace Parry.Models.Onnx;

/// <summary>Layers: convolutions, pools, normalizations, matrix products, resizing.</summary>
internal static class OnnxLayers
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } = new()
    {
        ["Conv"] = Conv,
        ["ConvTranspose"] = ConvTranspose,
        ["Gemm"] = Gemm,
        ["MatMul"] = _ => inputs => [MatMul(inputs.At(0).Tensor, inputs.At(1).Tensor)],
        ["BatchNormalization"] = BatchNormalization,
        ["InstanceNormalization"] = node => inputs => [inputs.At(0).Tensor.InstanceNorm(inputs.At(1).Tensor, inputs.At(2).Tensor, node.Float("epsilon", 1e-5))],
        ["GroupNormalization"] = GroupNormalization,
        ["LayerNormalization"] = LayerNormalization,
        ["LRN"] = LocalResponseNormalization,
        ["LpNormalization"] = LpNormalization,
        ["MaxPool"] = MaxPool,
        ["AveragePool"] = AveragePool,
        ["GlobalAveragePool"] = _ => OnnxOperators.Unary(x => x.Mean(Spatial(x), true)),
        ["GlobalMaxPool"] = _ => OnnxOperators.Unary(x => x.Amax(Spatial(x), true)),
        ["Resize"] = OnnxResize.Make,
        ["Upsample"] = OnnxResize.Make,
    };

    private static long[] Spatial(Tensor x) => [.. Enumerable.Range(2, x.Shape.Length - 2).Select(axis => (long)axis)];

    private static OnnxKernel Conv(OnnxNode node)
    {
        long groups = node.Int("group", 1);
        OnnxWindow window = OnnxWindow.Of(node);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor, weight = inputs.At(1).Tensor;
            if (weight.Shape.Length < 3) throw new InvalidDataException($"its weights are {weight.Describe()}");
            var (padded, padding) = window.Pad(x, weight.Shape[2..], 0);
            OnnxGuard.Work((double)x.Elements / Math.Max(1, x.Size(1)) * (1 + padding.Sum()) * weight.Elements);
            OnnxGuard.Claim([x.Size(0), weight.Size(0), .. padded.Shape.Skip(2).Select((size, i) => size + (2 * padding[i]))]);
            return [padded.Convolution(weight, inputs.Maybe(2)?.Tensor, window.Strides(padding.Length), padding, window.Dilations(padding.Length), groups)];
        };
    }

    private static OnnxKernel ConvTranspose(OnnxNode node)
    {
        long groups = node.Int("group", 1);
        OnnxWindow window = OnnxWindow.Of(node);
        long[]? outputPadding = node.Ints("output_padding"), outputShape = node.Ints("output_shape");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor, weight = inputs.At(1).Tensor;
            if (weight.Shape.Length < 3) throw new InvalidDataException($"its weights are {weight.Describe()}");
            int rank = weight.Shape.Length - 2;
            long[] strides = window.Strides(rank), dilations = window.Dilations(rank), more = [.. outputPadding ?? new long[rank]];
            if (more.Length != rank) throw new InvalidDataException($"it pads {rank} dimensions of its output by {more.Length} amounts");

            // Without padding first; then what the pads take off is cut off, which allows for different amounts at both ends.
            long[] full = [.. Enumerable.Range(0, rank).Select(i => ((x.Size(2 + i) - 1) * strides[i]) + (dilations[i] * (weight.Size(2 + i) - 1)) + 1 + more[i])];
            OnnxGuard.Claim([x.Size(0), weight.Size(1) * groups, .. full]);
            OnnxGuard.Work((double)x.Elements * weight.Elements / Math.Max(1, weight.Size(0)));
            if (outputShape is not null)
            {
                // Promised values beyond those that come by themselves are padding of the output.
                for (int i = 0; i < rank; i++) more[i] += Math.Max(0, outputShape[outputShape.Length - rank + i] - full[i]);
                full = [.. full.Select((size, i) => Math.Max(size, outputShape[outputShape.Length - rank + i]))];
                OnnxGuard.Claim([x.Size(0), weight.Size(1) * groups, .. full]);
            }

            var (begin, end) = window.Cuts(full, outputShape, strides, [.. Enumerable.Range(0, rank).Select(i => x.Size(2 + i))]);
            bool even = begin.SequenceEqual(end) && begin.All(cut => cut >= 0);
            Tensor y = x.Convolution(weight, inputs.Maybe(2)?.Tensor, strides, even ? begin : new long[rank], dilations, groups, transposed: true, more);
            for (int i = 0; i < rank && !even; i++) y = y.Slice(2 + i, begin[i], full[i] - end[i]);
            return [y];
        };
    }

    private static OnnxKernel Gemm(OnnxNode node)
    {
        double alpha = node.Float("alpha", 1), beta = node.Float("beta", 1);
        bool turnFirst = node.Flag("transA"), turnSecond = node.Flag("transB");
        return inputs =>
        {
            Tensor a = turnFirst ? inputs.At(0).Tensor.Transpose(0, 1) : inputs.At(0).Tensor, b = inputs.At(1).Tensor;
            Tensor? c = inputs.Maybe(2)?.Tensor;
            if (alpha == 1 && beta == 1 && c?.Shape.Length == 1) return [a.Linear(turnSecond ? b : b.Transpose(0, 1), c)];
            Tensor product = MatMul(a, turnSecond ? b.Transpose(0, 1) : b);
            if (alpha != 1) product = product.Mul(alpha);
            return [c is null ? product : product.Add(OnnxOperators.Bounded(product, beta == 1 ? c : c.Mul(beta)))];
        };
    }

    private static Tensor MatMul(Tensor a, Tensor b)
    {
        if (a.Shape.Length > 1 && b.Shape.Length > 1)
        {
            long[] shape = [.. OnnxOperators.Broadcast(a.Shape[..^2], b.Shape[..^2]), a.Size(-2), b.Size(-1)];
            OnnxGuard.Claim(shape);
            OnnxGuard.Work(shape.Aggregate((double)a.Size(-1), (product, size) => product * size));
        }

        return a.MatMul(b);
    }

    private static OnnxKernel BatchNormalization(OnnxNode node)
    {
        double epsilon = node.Float("epsilon", 1e-5);
        if (node.Flag("training_mode")) throw node.Refused("is in training mode: export the model in evaluation mode (model.eval())");
        return inputs => [inputs.At(0).Tensor.BatchNorm(inputs.At(1).Tensor, inputs.At(2).Tensor, inputs.At(3).Tensor, inputs.At(4).Tensor, false, 0, epsilon)];
    }

    private static OnnxKernel GroupNormalization(OnnxNode node)
    {
        long groups = node.Int("num_groups", 1);
        double epsilon = node.Float("epsilon", 1e-5);
        return inputs =>
        {
            Tensor scale = inputs.At(1).Tensor, bias = inputs.At(2).Tensor;
            long channels = inputs.At(0).Tensor.Size(1);
            if (scale.Elements == groups && groups > 0 && channels != groups)
            {
                // Until version 20 there was one number a group.
                (scale, bias) = (scale.RepeatInterleave(channels / groups), bias.RepeatInterleave(channels / groups));
            }

            return [inputs.At(0).Tensor.GroupNorm(groups, scale, bias, epsilon)];
        };
    }

    private static OnnxKernel LayerNormalization(OnnxNode node)
    {
        long axis = node.Int("axis", -1);
        double epsilon = node.Float("epsilon", 1e-5);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] shape = x.Shape[OnnxOperators.Axis(axis, x.Shape.Length)..];
            return [x.LayerNorm(shape, inputs.At(1).Tensor.Expand(shape), inputs.Maybe(2)?.Tensor.Expand(shape), epsilon)];
        };
    }

    private static OnnxKernel LocalResponseNormalization(OnnxNode node)
    {
        double alpha = node.Float("alpha", 1e-4), beta = node.Float("beta", 0.75), bias = node.Float("bias", 1);
        long size = node.Int("size", 1);
        if (size is < 1 or > 1 << 16) throw node.Refused($"looks at {size} channels");
        return inputs =>
        {
            // The mean over neighboring channels is a pool along them.
            Tensor x = inputs.At(0).Tensor;
            long n = x.Size(0), c = x.Size(1), rest = x.Elements / Math.Max(1, n * c);
            Tensor squares = x.Mul(x).Reshape(n, 1, c, rest).Pad([0, 0, (size - 1) / 2, size / 2]);
            return [x.Div(squares.AvgPool2d([size, 1], [1, 1], [0, 0], false, true).Reshape(x.Shape).Mul(alpha).Add(bias).Pow(beta))];
        };
    }

    private static OnnxKernel LpNormalization(OnnxNode node)
    {
        long axis = node.Int("axis", -1), p = node.Int("p", 2);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            return [x.Div(x.Norm(p, [OnnxOperators.Axis(axis, x.Shape.Length)], true))];
        };
    }

    private static OnnxKernel MaxPool(OnnxNode node)
    {
        if (node.Outputs.Length > 1 && node.Outputs[1].Length > 0) throw node.Refused("also gives the places of the largest values, which is not supported");
        long[] kernel = node.Ints("kernel_shape") ?? throw node.Refused("has no kernel_shape");
        bool ceil = node.Flag("ceil_mode");
        OnnxWindow window = OnnxWindow.Of(node);
        return inputs =>
        {
            Tensor x = OnnxWindow.Planes(inputs.At(0).Tensor, kernel);
            var (padded, padding) = window.Pad(x, kernel, double.NegativeInfinity, most: 2);
            return [padded.MaxPool2d(kernel, window.Strides(2), padding, window.Dilations(2), ceil)];
        };
    }

    private static OnnxKernel AveragePool(OnnxNode node)
    {
        long[] kernel = node.Ints("kernel_shape") ?? throw node.Refused("has no kernel_shape");
        bool ceil = node.Flag("ceil_mode"), countPadding = node.Flag("count_include_pad");
        OnnxWindow window = OnnxWindow.Of(node);
        if (window.Dilations(kernel.Length).Any(dilation => dilation != 1)) throw node.Refused("has dilations, which are not supported in means");
        return inputs =>
        {
            Tensor x = OnnxWindow.Planes(inputs.At(0).Tensor, kernel);
            long[] strides = window.Strides(2);
            var (padded, padding) = window.Pad(x, kernel, 0, most: 2);
            if (ReferenceEquals(padded, x)) return [x.AvgPool2d(kernel, strides, padding, ceil, countPadding)];
            if (countPadding) return [padded.AvgPool2d(kernel, strides, padding, ceil, true)];

            // Sums over sums of ones: padding that is uneven counts for nothing either.
            Tensor ones = window.Pad(Tensor.Ones([1, 1, x.Size(2), x.Size(3)]), kernel, 0, most: 2).Padded;
            return [padded.AvgPool2d(kernel, strides, padding, ceil, true, 1).Div(ones.AvgPool2d(kernel, strides, padding, ceil, true, 1))];
        };
    }
}
