using Parry.Models.Onnx.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>
/// Resizing in all modes of ONNX: each output pixel is a weighted sum of input pixels along each axis, so each axis is
/// one matrix product. LibTorch does the two modes that it supports.
/// </summary>
internal static class OnnxResize
{
    private const long LargestSide = 1 << 14;

    private static readonly string[] s_coordinates =
    [
        "half_pixel",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
        "tf_half_pixel_for_nn",
        "half_pixel_symmetric",
    ];

    private sealed record Mode(
        string Kind,
        string Coordinates,
        string Nearest,
        double Cubic,
        bool ExcludeOutside,
        bool Antialias
    );

    /// <summary>Resize, and its predecessor Upsample.</summary>
    public static OnnxKernel Make(OnnxNode node)
    {
        bool old = node.Operator == "Upsample" || node.Opset < 11;
        Mode mode = ModeOf(node, old);
        double[]? fixedScales = node.Floats("scales")?.Select(scale => (double)scale).ToArray();
        long[]? someAxes = node.Ints("axes");
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            int rank = x.shape.Length;
            OnnxValue? scaleInput = old ? inputs.Maybe(1) : inputs.Maybe(2);
            OnnxValue? sizes = old ? null : inputs.Maybe(3);
            double[]? scales = fixedScales ?? (scaleInput?.Tensor.numel() > 0 ? scaleInput.Numbers : null);
            int[] axes = [.. someAxes?.Select(axis => OnnxOperators.Axis(axis, rank)) ?? Enumerable.Range(0, rank)];
            var (shape, scaleOf) = Target(x, axes, scales, sizes?.Integers);
            OnnxGuard.Claim(shape);
            return [ByLibTorch(x, shape, scaleOf, mode) ?? ByAxes(x, shape, scaleOf, mode)];
        };
    }

    private static Mode ModeOf(OnnxNode node, bool old)
    {
        string kind = node.Text("mode", "nearest");
        if (kind is "bilinear")
            kind = "linear";
        if (kind is not ("nearest" or "linear" or "cubic"))
            throw node.Refused($"resizes by \"{kind}\", expected nearest, linear or cubic");
        string coordinates = node.Text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
        if (!s_coordinates.Contains(coordinates))
            throw node.Refused($"resizes by the coordinates \"{coordinates}\", which are not supported");
        if (node.Text("keep_aspect_ratio_policy", "stretch") != "stretch")
            throw node.Refused("keeps the aspect ratio, which is not supported");
        return new Mode(
            kind,
            coordinates,
            node.Text("nearest_mode", old ? "floor" : "round_prefer_floor"),
            node.Float("cubic_coeff_a", -0.75),
            node.Flag("exclude_outside"),
            node.Flag("antialias")
        );
    }

    // The shape of the output, and the scale along each of its axes.
    private static (long[] Shape, double[] Scales) Target(Tensor x, int[] axes, double[]? scales, long[]? sizes)
    {
        int given =
            sizes?.Length ?? scales?.Length ?? throw new InvalidDataException("it has neither scales nor sizes");
        if (given != axes.Length)
            throw new InvalidDataException($"it resizes {axes.Length} dimensions by {given} numbers");
        long[] shape = [.. x.shape];
        if (shape.Contains(0))
            throw new InvalidDataException($"it resizes {x.Describe()}, which is empty");
        var scaleOf = new double[shape.Length];
        Array.Fill(scaleOf, 1);
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = axes[i];
            double wanted = sizes is null ? Math.Floor(shape[axis] * scales![i]) : sizes[i];
            if (!(wanted is >= 1 and <= LargestSide || (wanted == shape[axis] && wanted <= int.MaxValue)))
                throw new InvalidDataException($"it resizes {x.Describe()} to {wanted} along {axis}");
            scaleOf[axis] = sizes is null ? scales![i] : wanted / shape[axis];
            shape[axis] = (long)wanted;
        }

        return (shape, scaleOf);
    }

    // Null if LibTorch does not have the mode.
    private static Tensor? ByLibTorch(Tensor x, long[] shape, double[] scaleOf, Mode mode)
    {
        bool planes =
            shape.Length == 4
            && shape[0] == x.size(0)
            && shape[1] == x.size(1)
            && !mode.Antialias
            && Exactly(shape[2], x.size(2), scaleOf[2])
            && Exactly(shape[3], x.size(3), scaleOf[3]);
        if (!planes)
            return null;
        long[] size = [shape[2], shape[3]];
        return mode switch
        {
            { Kind: "nearest", Coordinates: "asymmetric", Nearest: "floor" } => nn.functional.interpolate(x, size),
            { Kind: "linear", Coordinates: "half_pixel" or "pytorch_half_pixel" } when size[0] > 1 && size[1] > 1 =>
                nn.functional.interpolate(x, size, mode: InterpolationMode.Bilinear, align_corners: false),
            _ => null,
        };
    }

    private static Tensor ByAxes(Tensor x, long[] shape, double[] scaleOf, Mode mode)
    {
        int last = shape.Length - 1;
        for (int axis = 0; axis <= last; axis++)
        {
            if (shape[axis] == x.size(axis) && scaleOf[axis] == 1)
                continue;
            OnnxGuard.Claim(x.size(axis), shape[axis]);
            OnnxGuard.Work((double)x.numel() * shape[axis]);
            OnnxGuard.Claim(x.numel() / Math.Max(1, x.size(axis)), shape[axis]);
            float[] weights = Weights((int)x.size(axis), (int)shape[axis], scaleOf[axis], mode);
            Tensor matrix = tensor(weights, [x.size(axis), shape[axis]]);
            x = MatrixProduct.Of(x.transpose(axis, last), matrix.to(x.dtype)).transpose(axis, last);
        }

        return x;
    }

    private static bool Exactly(long output, long input, double scale) => Math.Abs((scale * input) - output) < 1e-4;

    // [input, output]: the weight of each input pixel in each output pixel.
    private static float[] Weights(int input, int output, double scale, Mode mode)
    {
        var weights = new float[checked(input * output)];
        double wide = mode.Antialias && scale < 1 ? 1 / scale : 1;
        for (int to = 0; to < output; to++)
        {
            double x = Source(to, input, output, scale, mode.Coordinates);
            if (mode.Kind == "nearest")
            {
                weights[(Math.Clamp(Nearest(x, mode.Nearest), 0, input - 1) * output) + to] = 1;
                continue;
            }

            double reach = (mode.Kind == "linear" ? 1 : 2) * wide;
            double sum = 0;
            var taps = new List<(int From, double Weight)>();
            for (int from = (int)Math.Ceiling(x - reach - 1e-9); from <= Math.Floor(x + reach + 1e-9); from++)
            {
                double far = Math.Abs(x - from) / wide;
                double weight = mode.Kind == "linear" ? Math.Max(0, 1 - far) : Cubic(far, mode.Cubic);
                if (mode.ExcludeOutside && (from < 0 || from >= input))
                    continue;
                taps.Add((Math.Clamp(from, 0, input - 1), weight));
                sum += weight;
            }

            foreach (var (from, weight) in taps)
                weights[(from * output) + to] += (float)(weight / (mode.ExcludeOutside || mode.Antialias ? sum : 1));
        }

        return weights;
    }

    private static double Source(int to, int input, int output, double scale, string coordinates) =>
        coordinates switch
        {
            "asymmetric" => to / scale,
            "align_corners" => output == 1 ? 0 : to * (input - 1.0) / ((scale * input) - 1),
            "pytorch_half_pixel" => output > 1 ? ((to + 0.5) / scale) - 0.5 : 0,
            "tf_half_pixel_for_nn" => (to + 0.5) / scale,

            // The output may be a fraction of a pixel shorter than the scale implies; keep its center at that of the
            // input.
            "half_pixel_symmetric" => (input / 2.0 * (1 - (output / (scale * input)))) + ((to + 0.5) / scale) - 0.5,
            _ => ((to + 0.5) / scale) - 0.5,
        };

    private static int Nearest(double x, string mode) =>
        (int)(
            mode switch
            {
                "floor" => Math.Floor(x),
                "ceil" => Math.Ceiling(x),
                "round_prefer_ceil" => Math.Floor(x + 0.5),
                _ => Math.Ceiling(x - 0.5),
            }
        );

    private static double Cubic(double x, double a) =>
        x <= 1 ? ((((a + 2) * x) - (a + 3)) * x * x) + 1
        : x < 2 ? (((((x - 5) * x) + 8) * x) - 4) * a
        : 0;
}
