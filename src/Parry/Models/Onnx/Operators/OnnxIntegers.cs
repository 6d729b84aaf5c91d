using Parry.Models.Onnx.Files;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>
/// Convolutions and matrix products of quantized integers, which are whole numbers in floating point here, so that
/// gradients pass.
/// </summary>
internal static class OnnxIntegers
{
    public static Dictionary<string, Func<OnnxNode, OnnxKernel>> All { get; } =
        new()
        {
            ["ConvInteger"] = ConvolveIntegers,
            ["MatMulInteger"] = _ => inputs => [Multiply(Rows(inputs, 0, 2), Columns(inputs, 1, 3))],
            ["QLinearConv"] = Convolve,
            ["QLinearMatMul"] = _ => Multiply,
        };

    private static OnnxKernel ConvolveIntegers(OnnxNode node)
    {
        OnnxKernel convolve = OnnxLayers.Conv(node);
        return inputs =>
            convolve([
                new OnnxValue(OnnxQuantization.Centered(inputs, 0, 2, 1)),
                new OnnxValue(OnnxQuantization.Centered(inputs, 1, 3, 0)),
            ]);
    }

    // Inputs: x, its scale and zero point, weights, theirs, the output's, and a bias of the scale of the products.
    private static OnnxKernel Convolve(OnnxNode node)
    {
        OnnxKernel convolve = OnnxLayers.Conv(node);
        return inputs =>
        {
            OnnxValue? bias = inputs.Maybe(8) is { Tensor: var given } ? new(given.to(ScalarType.Float32)) : null;
            Tensor sums = convolve([
                new OnnxValue(OnnxQuantization.Centered(inputs, 0, 2, 1)),
                new OnnxValue(OnnxQuantization.Centered(inputs, 3, 5, 0)),
                bias,
            ])[0];
            Tensor scale = inputs.At(1).Tensor.reshape() * inputs.At(4).Tensor / inputs.At(6).Tensor.reshape();
            return [Rescaled(sums, OnnxQuantization.Along(scale, sums, 1), inputs.At(7))];
        };
    }

    // Inputs: a, its scale and zero point, b, its scale and zero point, the output's scale and zero point.
    private static Tensor[] Multiply(OnnxValue?[] inputs)
    {
        Tensor a = Rows(inputs, 0, 2);
        Tensor b = Columns(inputs, 3, 5);
        Tensor products = Multiply(a, b);
        Tensor scale =
            OnnxQuantization.Along(inputs.At(1).Tensor, products, -2)
            * OnnxQuantization.Along(inputs.At(4).Tensor, products, -1)
            / OnnxQuantization.Along(inputs.At(6).Tensor, products, -1);
        return [Rescaled(products, scale, inputs.At(7))];
    }

    private static Tensor Rescaled(Tensor sums, Tensor scale, OnnxValue zero) =>
        OnnxQuantization.Saturated(
            sums * scale,
            zero.Tensor.to(ScalarType.Float32).reshape(),
            OnnxQuantization.TypeOf(zero)
        );

    private static Tensor Multiply(Tensor a, Tensor b) => OnnxLayers.MatMul(a, b);

    private static Tensor Rows(OnnxValue?[] inputs, int value, int zero) =>
        OnnxQuantization.Centered(inputs, value, zero, -2);

    private static Tensor Columns(OnnxValue?[] inputs, int value, int zero) =>
        OnnxQuantization.Centered(inputs, value, zero, -1);
}
