using System.Runtime.InteropServices;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>Quantized networks give what ONNX Runtime gives for one image, in any batch, and have gradients.</summary>
public sealed class OnnxQuantizedTests : OnnxModels
{
    private static readonly sbyte[] s_weights = [.. Enumerable.Range(0, 32).Select(i => (sbyte)((i * 37 % 255) - 127))];
    private static readonly sbyte[] s_kernels = [.. Enumerable.Range(0, 18).Select(i => (sbyte)((i * 53 % 255) - 127))];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_quantized_network_gives_what_it_gives_for_one_image(bool dynamic)
    {
        string path = (dynamic ? Dynamic() : Static()).Save(_folder);
        using OpenedModel opened = ModelCatalog.Open(path, new InputContract(), s_shape);
        using var judge = new OnnxJudge(path);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();

        // Images of different ranges: a range of the whole batch would mix them.
        Tensor images = Images(4) * tensor(new float[] { 1, 0.5f, 0.1f, 0.9f }).reshape(4, 1, 1, 1);

        LossGradient pass = ((IClassifier)opened.Model).Gradient(
            Parry.Models.Images.Of(images),
            logits => logits.select(1, 0)
        );

        for (int i = 0; i < 4; i++)
        {
            Tensor image = images.slice(0, i, i + 1, 1).contiguous();
            OnnxJudge.Agrees(judge.Run(new() { ["x"] = image }, "y"), pass.Logits.slice(0, i, i + 1, 1));
        }

        Assert.True(pass.Gradient.abs().amax([1, 2, 3]).ToArray<float>().All(slope => slope > 0.1));
    }

    [Fact]
    public void A_constant_image_is_quantized_without_dividing_by_zero()
    {
        using OpenedModel opened = Load(Dynamic());
        using var frozen = no_grad();
        using var scope = NewDisposeScope();

        Tensor logits = ((IClassifier)opened.Model).Logits(Parry.Models.Images.Of(zeros(2, 1, 4, 4)));

        Assert.All(logits.ToArray<float>(), logit => Assert.Equal(0, logit));
    }

    private static OnnxBuilder Net() =>
        OnnxBuilder
            .Classifier(opset: 13)
            .Constant("k", 3, MemoryMarshal.AsBytes<sbyte>(s_kernels).ToArray(), 2, 1, 3, 3)
            .Constant("w", 3, MemoryMarshal.AsBytes<sbyte>(s_weights).ToArray(), 16, 2)
            .Constant("kz", 3, [0])
            .Constant("wz", 3, [3])
            .Floats("ks", [0.01f])
            .Floats("ws", [0.02f])
            .Longs("rows", 0, -1);

    private static OnnxBuilder Dynamic() =>
        Net()
            .Node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])
            .Node(
                "ConvInteger",
                ["q", "k", "z", "kz"],
                ["ci"],
                ("strides", new long[] { 1, 2 }),
                ("pads", new long[] { 1, 1, 1, 1 })
            )
            .Node("Cast", ["ci"], ["cf"], ("to", 1))
            .Node("Mul", ["s", "ks"], ["sk"])
            .Node("Mul", ["cf", "sk"], ["c"])
            .Node("Relu", ["c"], ["r"])
            .Node("Reshape", ["r", "rows"], ["f"])
            .Node("DynamicQuantizeLinear", ["f"], ["fq", "fs", "fz"])
            .Node("MatMulInteger", ["fq", "w", "fz", "wz"], ["mi"])
            .Node("Cast", ["mi"], ["mf"], ("to", 1))
            .Node("Mul", ["fs", "ws"], ["sw"])
            .Node("Mul", ["mf", "sw"], ["y"]);

    private static OnnxBuilder Static() =>
        Net()
            .Floats("xs", [1 / 255f])
            .Constant("xz", 2, [0])
            .Floats("cs", [0.02f])
            .Constant("cz", 2, [9])
            .Floats("ys", [0.1f])
            .Constant("yz", 2, [120])
            .Floats("kss", [0.01f, 0.02f], 2)
            .Constant("kzs", 3, [0, 0], 2)
            .Constant("b", 6, MemoryMarshal.AsBytes<int>([300, -500]).ToArray(), 2)
            .Node("QuantizeLinear", ["x", "xs", "xz"], ["q"])
            .Node(
                "QLinearConv",
                ["q", "xs", "xz", "k", "kss", "kzs", "cs", "cz", "b"],
                ["c"],
                ("strides", new long[] { 1, 2 }),
                ("pads", new long[] { 1, 1, 1, 1 })
            )
            .Node("Reshape", ["c", "rows"], ["f"])
            .Node("QLinearMatMul", ["f", "cs", "cz", "w", "ws", "wz", "ys", "yz"], ["m"])
            .Node("DequantizeLinear", ["m", "ys", "yz"], ["y"]);
}
