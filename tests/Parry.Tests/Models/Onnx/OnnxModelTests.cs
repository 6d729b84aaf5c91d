using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Models.Onnx;
using Parry.Models.Onnx.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

public sealed class OnnxModelTests : OnnxModels
{
    [Fact]
    public void A_linear_model_gives_its_closed_form_and_its_gradient()
    {
        float[] weights = [.. Enumerable.Range(0, 48).Select(i => ((i * 7 % 11) - 5) / 10f)];
        float[] bias = [0.5f, -1, 0.25f];
        using OpenedModel opened = Open(
            OnnxBuilder
                .Classifier(3)
                .Floats("w", weights, 3, 16)
                .Floats("b", bias, 3)
                .Node("Flatten", ["x"], ["flat"])
                .Node("Gemm", ["flat", "w", "b"], ["y"], ("transB", 1))
        );
        var model = (IClassifier)opened.Model;
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(2);

        LossGradient pass = model.Gradient(images, logits => logits.select(1, 1));

        float[] pixels = images.ToArray<float>();
        float[] logits = pass.Logits.ToArray<float>();
        for (int row = 0; row < 2; row++)
        {
            for (int k = 0; k < 3; k++)
                Assert.Equal(
                    bias[k] + Enumerable.Range(0, 16).Sum(i => weights[(k * 16) + i] * pixels[(row * 16) + i]),
                    logits[(row * 3) + k],
                    1e-5
                );
        }

        Assert.Equal([.. weights[16..32], .. weights[16..32]], pass.Gradient.ToArray<float>());
        Assert.Equal((s_shape, 3, OutputKind.Logits), (model.Shape, model.Classes, opened.Contract.Outputs!.Value));
    }

    [Fact]
    public void Batch_normalization_folded_into_a_convolution_changes_no_number()
    {
        OnnxBuilder Net(bool apart)
        {
            OnnxBuilder net = OnnxBuilder
                .Classifier()
                .Floats("w", [.. Enumerable.Range(0, 18).Select(i => (i % 5) - 2f)], 2, 1, 3, 3)
                .Floats("b", [0.3f, -0.2f], 2)
                .Floats("scale", [1.5f, -0.5f], 2)
                .Floats("shift", [0.1f, 0.2f], 2)
                .Floats("mean", [0.4f, -1], 2)
                .Floats("variance", [2, 0.5f], 2)
                .Node("Conv", ["x", "w", "b"], ["c"], ("pads", new long[] { 1, 1, 1, 1 }))
                .Node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["n"])
                .Node("GlobalAveragePool", ["n"], ["p"])
                .Node("Flatten", ["p"], ["f"]);

            // A second use of the convolution's output forbids folding.
            return apart
                ? net.Node("GlobalAveragePool", ["c"], ["p2"])
                    .Node("Flatten", ["p2"], ["f2"])
                    .Node("Sub", ["f2", "f2"], ["zero"])
                    .Node("Add", ["f", "zero"], ["y"])
                : net.Node("Identity", ["f"], ["y"]);
        }

        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using OpenedModel folded = Open(Net(apart: false), "folded.onnx");
        using OpenedModel apart = Open(Net(apart: true), "apart.onnx");

        float[] first = ((IClassifier)folded.Model).Logits(Images(3)).ToArray<float>();
        float[] second = ((IClassifier)apart.Model).Logits(Images(3)).ToArray<float>();

        Assert.All(first.Zip(second), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        using var graph = new OnnxGraph(OnnxFile.Read(Net(apart: false).Build()), "x", "y");
        Assert.DoesNotContain(graph.Nodes, step => step.Node.Operator == "BatchNormalization");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void Sizes_computed_from_the_batch_hold_for_every_batch(int count)
    {
        // What exporters write for x.view(x.size(0), -1), and a mask of ones of the batch's size.
        using OpenedModel opened = Open(
            OnnxBuilder
                .Classifier()
                .Floats("w", [.. Enumerable.Range(0, 32).Select(i => i / 10f)], 16, 2)
                .Longs("zero", 0)
                .Longs("rest", -1)
                .Longs("two", 2)
                .Node("Shape", ["x"], ["s"])
                .Node("Gather", ["s", "zero"], ["n"])
                .Node("Concat", ["n", "rest"], ["sizes"], ("axis", 0))
                .Node("Reshape", ["x", "sizes"], ["flat"])
                .Node("MatMul", ["flat", "w"], ["product"])
                .Node("Concat", ["n", "two"], ["square"], ("axis", 0))
                .Node("ConstantOfShape", ["square"], ["zeros"])
                .Node("Add", ["product", "zeros"], ["y"])
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(count);

        float[] whole = ((IClassifier)opened.Model).Logits(images).ToArray<float>();

        Assert.Equal(2 * count, whole.Length);
        float[] last = ((IClassifier)opened.Model).Logits(images.slice(0, count - 1, count, 1)).ToArray<float>();
        Assert.Equal(last, whole[^2..]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_exported_for_one_image_takes_many(bool canBeFreed)
    {
        var net = new OnnxBuilder()
            .Input("x", 1, 1, 4, 4)
            .Output("y", 1, 2)
            .Floats("w", [.. Enumerable.Range(0, 32).Select(i => i / 10f)], 16, 2)
            .Longs("sizes", 1, -1)
            .Longs("whole", 16);
        if (canBeFreed)
            net.Node("Reshape", ["x", "sizes"], ["flat"]);
        else
            net.Node("Reshape", ["x", "whole"], ["line"]).Node("Reshape", ["line", "sizes"], ["flat"]);
        using OpenedModel opened = Open(net.Node("MatMul", ["flat", "w"], ["y"]));
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(3);

        float[] logits = ((IClassifier)opened.Model).Logits(images).ToArray<float>();

        float[] singly =
        [
            .. Enumerable
                .Range(0, 3)
                .SelectMany(i => ((IClassifier)opened.Model).Logits(images.slice(0, i, i + 1, 1)).ToArray<float>()),
        ];
        Assert.Equal(6, logits.Length);
        Assert.All(logits.Zip(singly), pair => Assert.Equal(pair.Second, pair.First, 1e-5));
    }

    [Fact]
    public void Channels_that_come_last_are_seen_in_the_file()
    {
        float[] weights = [.. Enumerable.Range(0, 24).Select(i => i / 7f)];
        using OpenedModel opened = Open(
            new OnnxBuilder()
                .Input("x", -1, 2, 2, 3)
                .Output("y", -1, 2)
                .Floats("w", weights, 12, 2)
                .Node("Flatten", ["x"], ["flat"])
                .Node("MatMul", ["flat", "w"], ["y"])
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = arange(12, ScalarType.Int64).to(ScalarType.Float32).mul(1 / 12.0).reshape(1, 3, 2, 2);

        float[] logits = ((IClassifier)opened.Model).Logits(images).ToArray<float>();

        Assert.Equal((new ImageShape(3, 2, 2), ImageLayout.Nhwc), (opened.Model.Shape, opened.Contract.Layout!.Value));
        float[] pixels = images.permute(0, 2, 3, 1).reshape(12).ToArray<float>();
        Assert.Equal(Enumerable.Range(0, 12).Sum(i => pixels[i] * weights[2 * i]), logits[0], 1e-4);
    }

    [Fact]
    public void Rounding_to_integers_is_seen_by_the_outputs_and_not_by_the_gradients()
    {
        using OpenedModel opened = Open(
            OnnxBuilder
                .Classifier(opset: 13)
                .Floats("scale", [0.25f])
                .Constant("zero", 3, [unchecked((byte)-1)])
                .Floats("w", [.. Enumerable.Repeat(1f, 32)], 16, 2)
                .Node("QuantizeLinear", ["x", "scale", "zero"], ["q"])
                .Node("DequantizeLinear", ["q", "scale", "zero"], ["d"])
                .Node("Flatten", ["d"], ["flat"])
                .Node("MatMul", ["flat", "w"], ["y"])
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(1);

        LossGradient pass = ((IClassifier)opened.Model).Gradient(images, logits => logits.select(1, 0));

        Assert.Equal(
            images.ToArray<float>().Sum(pixel => MathF.Round(pixel / 0.25f) * 0.25f),
            pass.Logits.ToArray<float>()[0],
            1e-4
        );
        Assert.All(pass.Gradient.ToArray<float>(), slope => Assert.Equal(1, slope, 1e-4));
    }

    [Fact]
    public void Weights_in_a_file_of_the_models_folder_are_read()
    {
        byte[] raw = new byte[8 + 128];
        for (int i = 0; i < 32; i++)
            BitConverter.TryWriteBytes(raw.AsSpan(8 + (4 * i)), i / 4f);
        File.WriteAllBytes(Path.Combine(_folder, "weights.bin"), raw);
        using OpenedModel opened = Open(
            OnnxBuilder
                .Classifier()
                .External("w", "weights.bin", [16, 2], 8, 128)
                .Node("Flatten", ["x"], ["flat"])
                .Node("MatMul", ["flat", "w"], ["y"])
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(1);

        Assert.Equal(
            images.ToArray<float>().Select((pixel, i) => pixel * 2 * i / 4f).Sum(),
            ((IClassifier)opened.Model).Logits(images).ToArray<float>()[0],
            1e-4
        );
    }

    [Fact]
    public void White_box_attacks_run_through_a_graph()
    {
        using OpenedModel opened = Open(
            OnnxBuilder
                .Classifier()
                .Floats("w", [.. Enumerable.Range(0, 32).Select(i => i % 2 == 0 ? 1f : -1f)], 16, 2)
                .Floats("b", [-8, 8], 2)
                .Node("Flatten", ["x"], ["flat"])
                .Node("Gemm", ["flat", "w", "b"], ["z"])
                .Node("Relu", ["z"], ["r"])
                .Node("Sub", ["r", "z"], ["n"])
                .Node("Sub", ["r", "n"], ["y"])
        );
        using var scope = NewDisposeScope();
        Tensor images = Images(4);
        var model = (IClassifier)opened.Model;
        using AttackResult result = AttackRunner.Run(
            new ProjectedGradientDescent { Epsilon = 0.3 },
            model,
            images,
            Goal.Untargeted(model.Predict(images)),
            seed: 1
        );

        Assert.All(result.Succeeded, Assert.True);
    }
}
