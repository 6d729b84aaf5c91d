using Parry.Models.Onnx.Files;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>
/// Quantization, which rounds as the quantized model does. Quantized integers are whole numbers in floating point here.
/// The gradient of rounding is 0 almost everywhere, so it is replaced with that of the identity inside the range (a
/// straight-through estimator: Bengio, Léonard, Courville, 2013, 1308.3432): attacks see the real outputs and useful
/// gradients.
/// </summary>
internal static class OnnxQuantization
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } =
        new()
        {
            ["QuantizeLinear"] = Quantize,
            ["DequantizeLinear"] = Dequantize,
            ["DynamicQuantizeLinear"] = _ => inputs => QuantizeByRange(inputs.At(0).Tensor, perImage: false),
        };

    /// <summary>
    /// Quantizes each image of a batch by its own range, as the network does that is given one image: by the range of
    /// the batch, an image's scores would depend on the others.
    /// </summary>
    public static OnnxKernel QuantizeEachImage { get; } =
        inputs => QuantizeByRange(inputs.At(0).Tensor, perImage: inputs.At(0).Tensor.shape.Length > 1);

    /// <summary>Rounds to a range of integers; straight through inside the range.</summary>
    public static Tensor Saturated(Tensor exact, Tensor? zero, OnnxType type)
    {
        var (low, high) = RangeOf(type);
        Tensor rounded = OnnxStraightThrough.Of(exact.round(), exact);
        return (zero is null ? rounded : rounded + zero).clamp(low, high);
    }

    /// <summary>Whole numbers of a quantized value, less its zero point.</summary>
    /// <param name="inputs">The inputs of a node.</param>
    /// <param name="value">The input with the value.</param>
    /// <param name="zero">The input with its zero point, which may be missing.</param>
    /// <param name="axis">The axis that several zero points belong to.</param>
    public static Tensor Centered(OnnxValue?[] inputs, int value, int zero, long axis)
    {
        Tensor x = inputs.At(value).Tensor;
        Tensor whole = x.is_floating_point() ? x : x.to(ScalarType.Float32);
        return inputs.Maybe(zero) is { Tensor: var point } ? whole - Along(point.to(whole.dtype), whole, axis) : whole;
    }

    /// <summary>One value for the whole tensor, or one for each entry of an axis.</summary>
    public static Tensor Along(Tensor values, Tensor x, long axis)
    {
        if (values.numel() == 1)
            return values.reshape();
        if (values.shape.Length == x.shape.Length)
            return OnnxOperators.Bounded(x, values);
        var shape = new long[x.shape.Length];
        Array.Fill(shape, 1);
        shape[OnnxOperators.Axis(axis, shape.Length)] = values.numel();
        return OnnxOperators.Bounded(x, values.reshape(shape));
    }

    /// <summary>The type of a quantized output, which is that of its zero point.</summary>
    public static OnnxType TypeOf(OnnxValue? zero, OnnxType ordinary = OnnxType.UInt8) =>
        zero?.Type is { } given and not OnnxType.Undefined ? given : ordinary;

    private static OnnxKernel Quantize(OnnxNode node)
    {
        long axis = node.Axis(1);
        if (node.Int("block_size", 0) != 0)
            throw node.Refused("quantizes in blocks, which is not supported");
        var type = (OnnxType)node.Int("output_dtype", 0);
        if (type == OnnxType.Undefined)
            type = OnnxType.UInt8;
        return inputs =>
        {
            Tensor x = inputs.At(0).Tensor;
            OnnxValue? zero = inputs.Maybe(2);
            Tensor exact = x / Along(inputs.At(1).Tensor, x, axis);
            return
            [
                Saturated(exact, zero is null ? null : Along(zero.Tensor.to(x.dtype), x, axis), TypeOf(zero, type)),
            ];
        };
    }

    private static OnnxKernel Dequantize(OnnxNode node)
    {
        long axis = node.Axis(1);
        if (node.Int("block_size", 0) != 0)
            throw node.Refused("quantizes in blocks, which is not supported");
        return inputs =>
        {
            Tensor scale = inputs.At(1).Tensor;
            Tensor x = inputs.At(0).Tensor.to(scale.dtype);
            if (inputs.Maybe(2) is { } zero)
                x -= Along(zero.Tensor.to(scale.dtype), x, axis);
            return [x * Along(scale, x, axis)];
        };
    }

    // Gives the whole numbers, their scale and their zero point.
    private static Tensor[] QuantizeByRange(Tensor x, bool perImage)
    {
        var (_, most) = RangeOf(OnnxType.UInt8);
        Tensor values = x.detach();
        long[] axes = [.. Enumerable.Range(0, x.shape.Length).Skip(perImage ? 1 : 0).Select(axis => (long)axis)];
        Tensor low = values.amin(axes, perImage).clamp_max(0.0);
        Tensor high = values.amax(axes, perImage).clamp_min(0.0);
        Tensor scale = (high - low) / most;
        Tensor divisor = where(scale.eq(0.0), ones_like(scale), scale);
        Tensor zero = (-low / divisor).clamp(0.0, most).round();
        return [Saturated(x / divisor, zero, OnnxType.UInt8), scale, zero];
    }

    private static (double Low, double High) RangeOf(OnnxType type) =>
        type switch
        {
            OnnxType.UInt8 => (byte.MinValue, byte.MaxValue),
            OnnxType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
            OnnxType.UInt16 => (ushort.MinValue, ushort.MaxValue),
            OnnxType.Int16 => (short.MinValue, short.MaxValue),
            OnnxType.Int32 => (int.MinValue, int.MaxValue),
            _ => throw new InvalidDataException(
                $"it quantizes to {type}, expected an integer type of 8, 16 or 32 bits"
            ),
        };
}
