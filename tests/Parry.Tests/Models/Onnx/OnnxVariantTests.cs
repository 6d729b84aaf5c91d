using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>
/// Files as converters write them: newer opsets, other input shapes, several outputs, rounding inside.
/// </summary>
public sealed class OnnxVariantTests : OnnxModels
{
    private static readonly float[] s_weights = [.. Enumerable.Range(0, 32).Select(i => (i % 7) - 3f)];

    [Theory]
    [InlineData(22)]
    [InlineData(23)]
    [InlineData(24)]
    public void Newer_opsets_are_read(int opset)
    {
        using OpenedModel opened = Open(
            OnnxBuilder
                .Classifier(opset: opset)
                .Floats("k", [1, 0, -1, 2, 1, 0, 0, 1, 1], 1, 1, 3, 3)
                .Floats("w", s_weights, 16, 2)
                .Node("Conv", ["x", "k"], ["c"], ("pads", new long[] { 1, 1, 1, 1 }))
                .Node(
                    "MaxPool",
                    ["c"],
                    ["p"],
                    ("kernel_shape", new long[] { 3, 3 }),
                    ("pads", new long[] { 1, 1, 1, 1 })
                )
                .Node("Flatten", ["p"], ["f"])
                .Node("MatMul", ["f", "w"], ["y"])
        );

        Assert.Equal(2, opened.Model.Classes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_batch_baked_into_a_reshape_is_freed_though_the_input_is_open(long batch)
    {
        using OpenedModel opened = Load(
            OnnxBuilder
                .Classifier()
                .Floats("w", s_weights, 16, 2)
                .Longs("sizes", batch, 16)
                .Node("Reshape", ["x", "sizes"], ["f"])
                .Node("MatMul", ["f", "w"], ["y"])
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(5);

        Tensor logits = ((IClassifier)opened.Model).Logits(Parry.Models.Images.Of(images));

        Tensor expected = images.reshape(5, 16).mm(tensor(s_weights, [16, 2]));
        Assert.True(logits.allclose(expected, atol: 1e-4));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(16, 1)]
    [InlineData(1, 16, 1)]
    [InlineData(1, 1, 4, 4)]
    public void Images_are_reshaped_to_an_input_of_as_many_values(params int[] sizes)
    {
        long[] input = [-1, .. sizes.Select(size => (long)size)];
        using OpenedModel opened = Load(
            new OnnxBuilder()
                .Input("x", input)
                .Output("y", -1, 2)
                .Floats("w", s_weights, 16, 2)
                .Node("Flatten", ["x"], ["f"])
                .Node("MatMul", ["f", "w"], ["y"])
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(3);

        Tensor logits = ((IClassifier)opened.Model).Logits(Parry.Models.Images.Of(images));

        Assert.Equal(s_shape, opened.Model.Shape);
        Assert.True(logits.allclose(images.reshape(3, 16).mm(tensor(s_weights, [16, 2])), atol: 1e-4));
    }

    [Fact]
    public void Images_of_another_shape_are_not_rearranged()
    {
        string path = new OnnxBuilder()
            .Input("x", -1, 1, 2, 8)
            .Output("y", -1, 16)
            .Node("Flatten", ["x"], ["y"])
            .Save(_folder);

        Assert.Contains(
            "takes images of 1x2x8",
            Assert
                .Throws<UserErrorException>(() => ModelCatalog.OpenFitting(path, new InputContract(), s_shape, 16))
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Pixels_in_rows_of_channels_are_channels_last()
    {
        var shape = new ImageShape(3, 2, 2);
        string path = new OnnxBuilder()
            .Input("x", -1, 4, 3)
            .Output("y", -1, 12)
            .Node("Flatten", ["x"], ["y"])
            .Save(_folder);
        using OpenedModel opened = ModelCatalog.Open(path, new InputContract(), shape);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = (arange(12, ScalarType.Float32) / 12.0).reshape(1, 3, 2, 2);

        float[] logits = ((IClassifier)opened.Model).Logits(Parry.Models.Images.Of(images)).ToArray<float>();

        Assert.Equal(images.permute(0, 2, 3, 1).contiguous().ToArray<float>(), logits);
    }

    [Fact]
    public void The_output_with_the_scores_is_found_by_its_shape_or_chosen()
    {
        string path = TwoOutputs().Save(_folder);
        OpenedModel Opened(string? choice, int? classes) =>
            ModelCatalog.Open(path, new InputContract { Output = choice }, s_shape, classes);
        using OpenedModel byShape = Opened(null, 2);
        using OpenedModel chosen = Opened("second", null);
        using OpenedModel first = Opened(null, null);

        Assert.Equal((2, 2, 5), (byShape.Model.Classes, chosen.Model.Classes, first.Model.Classes));
        string refusal = Assert.Throws<UserErrorException>(() => Opened("third", null)).Message;
        Assert.Contains("first: Float[?, 5], second: Float[?, 2]", refusal, StringComparison.Ordinal);
        refusal = Assert
            .Throws<UserErrorException>(() => ModelCatalog.OpenFitting(path, new InputContract(), s_shape, 7))
            .Message;
        Assert.Contains("--output", refusal, StringComparison.Ordinal);
        Assert.Contains("second: Float[?, 2]", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_of_graphs_are_refused_for_other_formats()
    {
        string path = Path.Combine(_folder, "model.safetensors");
        File.WriteAllBytes(path, [2, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}']);

        Assert.Contains(
            "--straight-through is for ONNX files",
            Assert
                .Throws<UserErrorException>(() =>
                    ModelCatalog.Open(path, new InputContract { StraightThrough = true }, s_shape)
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("Round")]
    [InlineData("Floor")]
    [InlineData("Ceil")]
    [InlineData("Cast")]
    [InlineData("Clip")]
    public void Rounding_inside_is_told_and_passes_gradients_on_request(string type)
    {
        OnnxBuilder net = OnnxBuilder
            .Classifier()
            .Floats("w", s_weights, 16, 2)
            .Floats("levels", [8])
            .Floats("below", [-4])
            .Floats("above", [-3])
            .Node("Mul", ["x", "levels"], ["m"]);
        net = type switch
        {
            "Cast" => net.Node("Cast", ["m"], ["i"], ("to", 6)).Node("Cast", ["i"], ["r"], ("to", 1)),
            "Clip" => net.Node("Clip", ["m", "below", "above"], ["r"]),
            _ => net.Node(type, ["m"], ["r"]),
        };
        net.Node("Flatten", ["r"], ["f"]).Node("MatMul", ["f", "w"], ["y"]);
        using OpenedModel plain = Load(net);
        using OpenedModel through = Load(net, contract: new InputContract { StraightThrough = true });
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var images = Parry.Models.Images.Of(Images(2));

        LossGradient pass = ((IClassifier)through.Model).Gradient(images, logits => logits.select(1, 0));

        Assert.Equal(((IClassifier)plain.Model).Logits(images).ToArray<float>(), pass.Logits.ToArray<float>());
        float[] slopes = [.. Enumerable.Range(0, 16).Select(i => 8 * s_weights[2 * i])];
        Assert.Equal([.. slopes, .. slopes], pass.Gradient.ToArray<float>());
        Assert.Empty(through.Notes);
        if (type == "Clip")
            Assert.Empty(plain.Notes);
        else
            Assert.Contains("--straight-through", Assert.Single(plain.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_clip_behind_a_layer_is_an_activation_and_keeps_its_gradient()
    {
        OnnxBuilder net = OnnxBuilder
            .Classifier()
            .Floats("w", s_weights, 16, 2)
            .Floats("zero", [0])
            .Floats("six", [6])
            .Node("Flatten", ["x"], ["f"])
            .Node("MatMul", ["f", "w"], ["h"])
            .Node("Clip", ["h", "zero", "six"], ["y"]);
        using OpenedModel opened = Load(net, contract: new InputContract { StraightThrough = true });
        using var frozen = no_grad();
        using var scope = NewDisposeScope();

        LossGradient pass = ((IClassifier)opened.Model).Gradient(
            Parry.Models.Images.Of(Images(8)),
            logits => logits.sum(1)
        );

        Assert.Contains(0f, pass.Logits.ToArray<float>());
        Tensor inside = pass.Logits.gt(0.0).logical_and(pass.Logits.lt(6.0)).to(ScalarType.Float32);
        Assert.True(
            pass.Gradient.reshape(8, 16).allclose(inside.mm(tensor(s_weights, [16, 2]).transpose(0, 1)), atol: 1e-5)
        );
    }

    private static OnnxBuilder TwoOutputs() =>
        new OnnxBuilder()
            .Input("x", -1, 1, 4, 4)
            .Output("first", -1, 5)
            .Output("second", -1, 2)
            .Floats("v", [.. Enumerable.Range(0, 80).Select(i => (i % 7) - 3f)], 16, 5)
            .Floats("w", s_weights[..10], 5, 2)
            .Node("Flatten", ["x"], ["f"])
            .Node("MatMul", ["f", "v"], ["first"])
            .Node("MatMul", ["first", "w"], ["second"]);
}
