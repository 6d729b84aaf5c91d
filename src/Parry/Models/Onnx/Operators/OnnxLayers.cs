using Parry.Models.Onnx.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>Layers: convolutions, pools, normalizations, matrix products, resizing.</summary>
internal static class OnnxLayers
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } =
        new()
        {
            ["Conv"] = Conv,
            ["ConvTranspose"] = ConvTranspose,
            ["Gemm"] = Gemm,
            ["MatMul"] = _ => inputs => [MatMul(inputs.At(0).Tensor, inputs.At(1).Tensor)],
            ["BatchNormalization"] = BatchNormalization,
            ["InstanceNormalization"] = node =>
                inputs =>
                    [
                        nn.functional.instance_norm(
                            inputs.At(0).Tensor,
                            weight: inputs.At(1).Tensor,
                            bias: inputs.At(2).Tensor,
                            eps: node.Float("epsilon", 1e-5)
                        ),
                    ],
            ["GroupNormalization"] = GroupNormalization,
            ["LayerNormalization"] = LayerNormalization,
            ["RMSNormalization"] = RootMeanSquare,
            ["LRN"] = LocalResponseNormalization,
            ["LpNormalization"] = LpNormalization,
            ["MaxPool"] = MaxPool,
            ["AveragePool"] = AveragePool,
            ["GlobalAveragePool"] = _ => OnnxOperators.Unary(x => x.mean(Spatial(x), true)),
            ["GlobalMaxPool"] = _ => OnnxOperators.Unary(x => x.amax(Spatial(x), true)),
            ["Resize"] = OnnxResize.Make,
            ["Upsample"] = OnnxResize.Make,
        };

    private static long[] Spatial(Tensor x) => [.. Enumerable.Range(2, x.shape.Length - 2).Select(axis => (long)axis)];

    public static OnnxKernel Conv(OnnxNode node)
    {
        long groups = node.Int("group", 1, 1, 1 << 20);
        OnnxWindow window = OnnxWindow.Of(node);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            Tensor weight = inputs.At(1).Tensor;
            CheckWeights(x, weight, weight.shape.Length < 3 ? 0 : weight.size(1) * groups, weight.size(0), groups);
            var (padded, padding) = window.Pad(x, weight.shape[2..], 0);
            long[] positions = window.Positions(padded, padding, weight.shape[2..]);
            OnnxGuard.Work(positions.Aggregate((double)x.size(0) * weight.numel(), (all, size) => all * size));
            OnnxGuard.Claim([x.size(0), weight.size(0), .. positions]);

            // Where no faster way is known, the windows are laid out one by one.
            if (x.dtype != ScalarType.Float32 || x.size(1) == 1)
                OnnxGuard.Claim([x.size(0), x.size(1), .. weight.shape[2..], .. positions]);
            return
            [
                OnnxConvolution.Plain(
                    padded,
                    weight,
                    inputs.Maybe(2)?.Tensor,
                    window.Strides(padding.Length),
                    padding,
                    window.Dilations(padding.Length),
                    groups
                ),
            ];
        };
    }

    private static void CheckWeights(Tensor x, Tensor weight, long channels, long divided, long groups)
    {
        if (weight.shape.Length < 3 || x.shape.Length != weight.shape.Length)
            throw new InvalidDataException(
                $"its weights are {weight.Describe()}; expected {x.shape.Length} dimensions as its input, 3 or more"
            );
        if (x.size(1) != channels || divided % groups != 0)
            throw new InvalidDataException(
                $"its weights {weight.Describe()} in {groups} groups do not fit the {x.size(1)} channels of its input"
            );
    }

    private static OnnxKernel ConvTranspose(OnnxNode node)
    {
        long groups = node.Int("group", 1, 1, 1 << 20);
        OnnxWindow window = OnnxWindow.Of(node);
        long[]? outputPadding = node.Ints("output_padding");
        long[]? outputShape = node.Ints("output_shape");
        foreach (long size in (long[])[.. outputPadding ?? [], .. outputShape ?? []])
        {
            if (size is < 0 or > 1 << 20)
                throw node.Refused($"has the output_padding or output_shape {size}; expected 0 to {1 << 20}");
        }

        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            Tensor weight = inputs.At(1).Tensor;
            CheckWeights(x, weight, weight.size(0), weight.size(0), groups);
            int rank = weight.shape.Length - 2;
            long[] strides = window.Strides(rank);
            long[] dilations = window.Dilations(rank);
            long[] more = [.. outputPadding ?? new long[rank]];
            if (more.Length != rank || outputShape?.Length < rank)
                throw new InvalidDataException($"its output_padding or output_shape does not hold {rank} numbers");

            // Convolve without padding, then cut off what the padding removes: the amounts may differ at the two ends.
            long[] full =
            [
                .. Enumerable
                    .Range(0, rank)
                    .Select(i =>
                        ((x.size(2 + i) - 1) * strides[i]) + (dilations[i] * (weight.size(2 + i) - 1)) + 1 + more[i]
                    ),
            ];
            OnnxGuard.Claim([x.size(0), weight.size(1) * groups, .. full]);
            OnnxGuard.Claim([weight.numel() / Math.Max(1, weight.size(0)), .. x.shape[2..]]);
            OnnxGuard.Work((double)x.numel() * weight.numel() / Math.Max(1, weight.size(0)));
            if (outputShape is not null)
            {
                // Where the requested output is larger than the convolution gives, pad the output.
                for (int i = 0; i < rank; i++)
                    more[i] += Math.Max(0, outputShape[outputShape.Length - rank + i] - full[i]);
                full = [.. full.Select((size, i) => Math.Max(size, outputShape[outputShape.Length - rank + i]))];
                OnnxGuard.Claim([x.size(0), weight.size(1) * groups, .. full]);
            }

            var (begin, end) = window.Cuts(
                full,
                outputShape,
                strides,
                [.. Enumerable.Range(0, rank).Select(i => x.size(2 + i))]
            );
            bool even = begin.SequenceEqual(end) && begin.All(cut => cut >= 0);
            Tensor y = OnnxConvolution.Transposed(
                x,
                weight,
                inputs.Maybe(2)?.Tensor,
                strides,
                even ? begin : new long[rank],
                more,
                dilations,
                groups
            );
            for (int i = 0; i < rank && !even; i++)
                y = y.slice(2 + i, begin[i], full[i] - end[i], 1);
            return [y];
        };
    }

    private static OnnxKernel Gemm(OnnxNode node)
    {
        double alpha = node.Float("alpha", 1);
        double beta = node.Float("beta", 1);
        bool turnFirst = node.Flag("transA");
        bool turnSecond = node.Flag("transB");
        return inputs =>
        {
            Tensor a = turnFirst ? inputs.At(0).Tensor.transpose(0, 1) : inputs.At(0).Tensor;
            Tensor b = inputs.At(1).Tensor;
            Tensor? c = inputs.Maybe(2)?.Tensor;
            if (a.shape.Length != 2 || b.shape.Length != 2)
                throw new InvalidDataException("expected two matrices");
            if (alpha == 1 && beta == 1 && c?.shape.Length == 1)
            {
                ClaimProduct(a, turnSecond ? b.transpose(0, 1) : b);
                return [nn.functional.linear(a, turnSecond ? b : b.transpose(0, 1), c)];
            }

            Tensor product = MatMul(a, turnSecond ? b.transpose(0, 1) : b);
            if (alpha != 1)
                product *= alpha;
            if (c is null)
                return [product];
            Tensor scaled = beta == 1 ? c : beta * c;
            return [product + OnnxOperators.Bounded(product, scaled)];
        };
    }

    public static Tensor MatMul(Tensor a, Tensor b)
    {
        if (a.shape.Length > 1 && b.shape.Length > 1)
            ClaimProduct(a, b);
        return MatrixProduct.Of(a, b);
    }

    private static void ClaimProduct(Tensor a, Tensor b)
    {
        long[] shape = [.. OnnxOperators.Broadcast(a.shape[..^2], b.shape[..^2]), a.size(-2), b.size(-1)];
        OnnxGuard.Claim(shape);
        OnnxGuard.Work(shape.Aggregate((double)a.size(-1), (product, size) => product * size));
    }

    private static OnnxKernel BatchNormalization(OnnxNode node)
    {
        double epsilon = node.Float("epsilon", 1e-5);
        if (node.Flag("training_mode"))
            throw node.Refused("is in training mode: export the model in evaluation mode (model.eval())");
        return inputs =>
            [
                nn.functional.batch_norm(
                    inputs.At(0).Tensor,
                    inputs.At(3).Tensor,
                    inputs.At(4).Tensor,
                    inputs.At(1).Tensor,
                    inputs.At(2).Tensor,
                    false,
                    0,
                    epsilon
                ),
            ];
    }

    private static OnnxKernel GroupNormalization(OnnxNode node)
    {
        long groups = node.Int("num_groups", 1, 1, 1 << 20);
        double epsilon = node.Float("epsilon", 1e-5);
        return inputs =>
        {
            Tensor scale = inputs.At(1).Tensor;
            Tensor bias = inputs.At(2).Tensor;
            long channels = inputs.At(0).Tensor.size(1);
            if (scale.numel() == groups && groups > 0 && channels != groups)
            {
                // Up to version 20, scale and bias hold one number per group.
                (scale, bias) = (
                    scale.repeat_interleave(channels / groups, 0),
                    bias.repeat_interleave(channels / groups, 0)
                );
            }

            return [nn.functional.group_norm(inputs.At(0).Tensor, groups, scale, bias, epsilon)];
        };
    }

    private static OnnxKernel LayerNormalization(OnnxNode node)
    {
        long axis = node.Axis(-1);
        double epsilon = node.Float("epsilon", 1e-5);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            long[] shape = x.shape[OnnxOperators.Axis(axis, x.shape.Length)..];
            return
            [
                nn.functional.layer_norm(
                    x,
                    shape,
                    inputs.At(1).Tensor.expand(shape),
                    inputs.Maybe(2)?.Tensor.expand(shape),
                    epsilon
                ),
            ];
        };
    }

    private static OnnxKernel RootMeanSquare(OnnxNode node)
    {
        long axis = node.Axis(-1);
        double epsilon = node.Float("epsilon", 1e-5);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            int from = OnnxOperators.Axis(axis, x.shape.Length);
            long[] axes = [.. Enumerable.Range(from, x.shape.Length - from).Select(at => (long)at)];
            Tensor normalized = x / ((x * x).mean(axes, true) + epsilon).sqrt();
            return [normalized * OnnxOperators.Bounded(normalized, inputs.At(1).Tensor)];
        };
    }

    private static OnnxKernel LocalResponseNormalization(OnnxNode node)
    {
        double alpha = node.Float("alpha", 1e-4);
        double beta = node.Float("beta", 0.75);
        double bias = node.Float("bias", 1);
        long size = node.Int("size", 1, 1, 1 << 16);
        return inputs =>
        {
            // The mean over neighboring channels is an average pool along the channels.
            Tensor x = inputs.At(0).Tensor;
            long n = x.size(0);
            long c = x.size(1);
            long rest = x.numel() / Math.Max(1, n * c);
            OnnxGuard.Claim(n, (2 * c) + size, rest);
            OnnxGuard.Work((double)x.numel() * Math.Min(size, c));
            Tensor squares = nn.functional.pad((x * x).reshape(n, 1, c, rest), [0, 0, (size - 1) / 2, size / 2]);
            Tensor means = nn.functional.avg_pool2d(squares, [size, 1], [1, 1], [0, 0], false, true).reshape(x.shape);
            return [x / (bias + (alpha * means)).pow(beta)];
        };
    }

    private static OnnxKernel LpNormalization(OnnxNode node)
    {
        long axis = node.Axis(-1);
        long p = node.Int("p", 2, 1, 2);
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            return [x / linalg.vector_norm(x, p, [OnnxOperators.Axis(axis, x.shape.Length)], true)];
        };
    }

    private static OnnxKernel MaxPool(OnnxNode node)
    {
        if (node.Outputs.Length > 1 && node.Outputs[1].Length > 0)
            throw node.Refused("also returns the indices of the largest values, which is not supported");
        long[] kernel = node.Ints("kernel_shape") ?? throw node.Refused("has no kernel_shape");
        bool ceil = node.Flag("ceil_mode");
        OnnxWindow window = OnnxWindow.Of(node);
        return inputs =>
        {
            Tensor x = OnnxWindow.Planes(inputs.At(0).Tensor, kernel);
            var (padded, padding) = window.Pad(x, kernel, double.NegativeInfinity, most: 2);
            window.ClaimPool(padded, padding, kernel);
            return [nn.functional.max_pool2d(padded, kernel, window.Strides(2), padding, window.Dilations(2), ceil)];
        };
    }

    private static OnnxKernel AveragePool(OnnxNode node)
    {
        long[] kernel = node.Ints("kernel_shape") ?? throw node.Refused("has no kernel_shape");
        bool ceil = node.Flag("ceil_mode");
        bool countPadding = node.Flag("count_include_pad");
        OnnxWindow window = OnnxWindow.Of(node);
        if (window.Dilations(kernel.Length).Any(dilation => dilation != 1))
            throw node.Refused("has dilations, which are not supported in average pools");
        return inputs =>
        {
            Tensor x = OnnxWindow.Planes(inputs.At(0).Tensor, kernel);
            long[] strides = window.Strides(2);
            var (padded, padding) = window.Pad(x, kernel, 0, most: 2);
            window.ClaimPool(padded, padding, kernel);
            if (ReferenceEquals(padded, x))
                return [nn.functional.avg_pool2d(x, kernel, strides, padding, ceil, countPadding)];
            if (countPadding)
                return [nn.functional.avg_pool2d(padded, kernel, strides, padding, ceil, true)];

            // Divide sums by sums of ones, so that uneven padding does not count either.
            Tensor counted = window.Pad(ones([1, 1, x.size(2), x.size(3)]), kernel, 0, most: 2).Padded;
            Tensor sums = nn.functional.avg_pool2d(padded, kernel, strides, padding, ceil, true, 1);
            Tensor counts = nn.functional.avg_pool2d(counted, kernel, strides, padding, ceil, true, 1);
            return [sums / counts];
        };
    }
}
