using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>Tensors for operators, the same ones every time.</summary>
internal static class OperatorInputs
{
    public static Tensor Numbers(params long[] shape)
    {
        using var random = new Generator((ulong)(shape.Sum() + shape.Length));
        return rand(shape, generator: random).mul(4.0).sub(2.0);
    }

    public static Tensor Positive(params long[] shape) => Numbers(shape).abs().add(0.1);

    public static Tensor Truths(params long[] shape) => Numbers(shape).gt(0.0);

    public static Tensor Number(float number) => tensor(new[] { number }, []);

    public static Tensor Floats(params float[] numbers) => tensor(numbers);

    public static Tensor Longs(params long[] numbers) => tensor(numbers);
}
