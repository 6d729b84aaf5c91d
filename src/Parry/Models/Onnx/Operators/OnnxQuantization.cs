using Parry.Models.Onnx.Files;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>
/// Pairs of QuantizeLinear and DequantizeLinear, which round as the quantized model does. The gradient of rounding is 0
/// almost everywhere, so it is replaced with that of the identity inside the range (a straight-through estimator:
/// Bengio, Léonard, Courville, 2013, 1308.3432): attacks see the real outputs and useful gradients.
/// </summary>
internal static class OnnxQuantization
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } =
        new() { ["QuantizeLinear"] = Quantize, ["DequantizeLinear"] = Dequantize };

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
            var (low, high) = RangeOf(zero?.Type is { } given and not OnnxType.Undefined ? given : type);
            Tensor exact = x / Along(inputs.At(1).Tensor, x, axis);
            Tensor rounded = (exact.round() - exact).detach() + exact;
            if (zero is not null)
                rounded += Along(zero.Tensor.to(x.dtype), x, axis);
            return [rounded.clamp(low, high)];
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

    // One value for the whole tensor, or one for each entry of an axis.
    private static Tensor Along(Tensor values, Tensor x, long axis)
    {
        if (values.numel() == 1)
            return values.reshape();
        var shape = new long[x.shape.Length];
        Array.Fill(shape, 1);
        shape[OnnxOperators.Axis(axis, shape.Length)] = values.numel();
        return OnnxOperators.Bounded(x, values.reshape(shape));
    }
}
