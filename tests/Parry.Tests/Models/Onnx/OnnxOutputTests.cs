using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>Which output of a graph has the scores, and what they mean.</summary>
public sealed class OnnxOutputTests : OnnxModels
{
    [Fact]
    public void A_last_softmax_is_taken_off_so_that_gradients_do_not_vanish()
    {
        OnnxBuilder Net() =>
            OnnxBuilder
                .Classifier()
                .Floats("w", [.. Enumerable.Range(0, 32).Select(i => i % 2 == 0 ? 30f : -30f)], 16, 2)
                .Node("Flatten", ["x"], ["flat"])
                .Node("MatMul", ["flat", "w"], ["z"])
                .Node("Softmax", ["z"], ["y"], ("axis", 1));
        using OpenedModel opened = Open(Net());
        using OpenedModel asSaid = Load(Net(), "said.onnx", new InputContract { Outputs = OutputKind.Logits });
        using var frozen = no_grad();
        using var scope = NewDisposeScope();

        Tensor gradient = ((IClassifier)opened.Model).Gradient(Images(1), logits => logits.select(1, 0)).Gradient;

        Assert.Equal(30, gradient.abs().amax([0, 1, 2, 3]).Item(), 1e-4);
        Assert.InRange(((IClassifier)asSaid.Model).Logits(Images(1)).amax([0, 1]).Item(), 0, 1);
    }

    [Fact]
    public void Probabilities_are_told_from_logits_by_a_look()
    {
        // Softmax followed by something that keeps it from being taken off.
        using OpenedModel opened = Open(
            OnnxBuilder
                .Classifier()
                .Floats("w", [.. Enumerable.Range(0, 32).Select(i => i / 16f)], 16, 2)
                .Floats("one", [1], 1)
                .Node("Flatten", ["x"], ["flat"])
                .Node("MatMul", ["flat", "w"], ["z"])
                .Node("Softmax", ["z"], ["p"], ("axis", 1))
                .Node("Mul", ["p", "one"], ["y"])
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();

        Assert.Equal(OutputKind.Probabilities, opened.Contract.Outputs);
        Assert.Equal(1, ((IClassifier)opened.Model).Logits(Images(1)).exp().sum().Item(), 1e-5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_output_tells_two_classes_apart(bool sigmoid)
    {
        var net = OnnxBuilder
            .Classifier(1)
            .Floats("w", [.. Enumerable.Range(0, 16).Select(i => (i - 8) / 8f)], 16, 1)
            .Node("Flatten", ["x"], ["flat"]);
        using OpenedModel opened = Open(
            sigmoid
                ? net.Node("MatMul", ["flat", "w"], ["z"]).Node("Sigmoid", ["z"], ["y"])
                : net.Node("MatMul", ["flat", "w"], ["y"])
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(1);

        Assert.Equal(2, opened.Model.Classes);
        float[] logits = ((IClassifier)opened.Model).Logits(images).ToArray<float>();
        float score = images.ToArray<float>().Select((pixel, i) => pixel * (i - 8) / 8f).Sum();
        Assert.Equal(
            (-score / 2, score / 2),
            (logits[0], logits[1]),
            (a, b) => Math.Abs(a.Item1 - b.Item1) < 1e-5 && Math.Abs(a.Item2 - b.Item2) < 1e-5
        );
    }

    [Fact]
    public void What_the_metadata_say_of_the_input_holds_unless_the_caller_says_otherwise()
    {
        OnnxBuilder net = OnnxBuilder
            .Classifier()
            .Floats("w", [.. Enumerable.Repeat(1f, 32)], 16, 2)
            .Node("Flatten", ["x"], ["flat"])
            .Node("MatMul", ["flat", "w"], ["y"])
            .Metadata("mean", "0.5")
            .Metadata("std", "0.25")
            .Metadata("classes", "[\"cat\",\"dog\"]");
        using OpenedModel opened = Open(net);
        using OpenedModel told = Load(
            net,
            "told.onnx",
            new InputContract
            {
                Mean = [0],
                Std = [1],
                Range = (0, 255),
            }
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(1);
        float sum = images.ToArray<float>().Sum();

        Assert.Equal(["cat", "dog"], opened.Contract.ClassNames);
        Assert.Equal((sum - 8) / 0.25, ((IClassifier)opened.Model).Logits(images).ToArray<float>()[0], 1e-3);
        Assert.Equal(sum * 255, ((IClassifier)told.Model).Logits(images).ToArray<float>()[0], 1e-1);
    }

    [Fact]
    public void Scores_of_scikit_learns_models_are_found_beside_their_labels()
    {
        // Not shown to ONNX Runtime, whose ZipMap gives maps: its LinearClassifier is, by OnnxRuntimeTests.
        using OpenedModel opened = Load(
            new OnnxBuilder()
                .Input("X", -1, 16)
                .TypedOutput("label", 7, -1)
                .TypedOutput("probabilities", 0, -1, 3)
                .Node(
                    "ai.onnx.ml.LinearClassifier",
                    ["X"],
                    ["label", "scores"],
                    ("coefficients", Enumerable.Range(0, 48).Select(i => (i % 7) / 10f).ToArray()),
                    ("intercepts", new[] { 0f, 0.5f, 1 }),
                    ("post_transform", "SOFTMAX")
                )
                .Node("ai.onnx.ml.ZipMap", ["scores"], ["probabilities"])
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();

        Assert.Equal((3, OutputKind.Probabilities), (opened.Model.Classes, opened.Contract.Outputs!.Value));
        Assert.Equal(1, ((IClassifier)opened.Model).Logits(Images(1)).exp().sum().Item(), 1e-5);
    }
}
