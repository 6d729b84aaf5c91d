using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>What a graph does to its scores at the end is taken off, so that gradients live.</summary>
public sealed class OnnxHeadTests : OnnxModels
{
    private static readonly string[] s_scores = ["z"];

    [Theory]
    [InlineData("Softmax", "Reshape")]
    [InlineData("Softmax", "Flatten")]
    [InlineData("Softmax", "Unsqueeze")]
    [InlineData("Softmax", "Log")]
    [InlineData("Softmax", "Clip", "Log")]
    [InlineData("Softmax", "Add", "Log", "Reshape")]
    [InlineData("Temperature", "Softmax")]
    [InlineData("Temperature", "Softmax", "Log")]
    [InlineData("LogSoftmax")]
    [InlineData("Sigmoid")]
    [InlineData("Sigmoid", "Reshape")]
    public void A_head_is_taken_off(params string[] head)
    {
        using OpenedModel bare = Load(Net(3), "bare.onnx");
        using OpenedModel opened = Load(Net(3, head));
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var images = Parry.Models.Images.Of(Images(4));
        static Tensor Loss(Tensor logits) => logits.logsumexp(1) - logits.select(1, 0);

        LossGradient expected = ((IClassifier)bare.Model).Gradient(images, Loss);
        LossGradient pass = ((IClassifier)opened.Model).Gradient(images, Loss);

        Assert.Equal(3, opened.Model.Classes);
        Assert.Equal(expected.Logits.ToArray<float>(), pass.Logits.ToArray<float>());
        Assert.Equal(expected.Gradient.ToArray<float>(), pass.Gradient.ToArray<float>());
    }

    [Theory]
    [InlineData]
    [InlineData("Sigmoid")]
    [InlineData("Sigmoid", "Squeeze")]
    [InlineData("Sigmoid", "Flat")]
    [InlineData("Temperature", "Sigmoid", "Squeeze")]
    [InlineData("Sigmoid", "Pair")]
    [InlineData("Sigmoid", "Pair", "Clip")]
    [InlineData("Sigmoid", "Flat", "Stack")]
    public void One_score_is_the_same_classifier_as_two(params string[] head)
    {
        using OpenedModel two = Load(Net(2), "two.onnx");
        using OpenedModel one = Load(Net(1, head), "one.onnx");
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor images = Images(6);
        var model = (IClassifier)two.Model;
        Goal goal = Goal.Untargeted(model.Predict(Parry.Models.Images.Of(images)));
        Assert.Equal(2, one.Model.Classes);
        foreach (
            IAttack<IClassifier> attack in (IAttack<IClassifier>[])
                [new JacobianSaliencyMap { Gamma = 1 }, new DeepFool()]
        )
        {
            using AttackResult expected = AttackRunner.Run(attack, model, images, goal, seed: 1);
            using AttackResult got = AttackRunner.Run(attack, (IClassifier)one.Model, images, goal, seed: 1);

            Assert.Contains(true, expected.Succeeded);
            Assert.Equal(expected.Succeeded, got.Succeeded);
        }

        // A batch of one keeps its dimension.
        Assert.Equal([1, 2], ((IClassifier)one.Model).Logits(Parry.Models.Images.Of(Images(1))).shape);
    }

    [Fact]
    public void Two_columns_of_one_sigmoid_that_rounds_to_0_and_1_have_gradients()
    {
        using OpenedModel opened = Load(Net(1, "Sigmoid", "Pair"));
        using OpenedModel kept = Load(
            Net(1, "Sigmoid", "Pair"),
            "kept.onnx",
            new InputContract { Outputs = OutputKind.Logits }
        );
        using var scope = NewDisposeScope();
        var images = Parry.Models.Images.Of(Images(3));
        static Tensor Loss(Tensor logits) => logits.select(1, 1);

        LossGradient pass = ((IClassifier)opened.Model).Gradient(images, Loss);
        LossGradient saturated = ((IClassifier)kept.Model).Gradient(images, Loss);

        Assert.All(saturated.Logits.ToArray<float>(), share => Assert.True(share is 0 or 1));
        Assert.All(saturated.Gradient.ToArray<float>(), value => Assert.Equal(0, value));
        Assert.All(pass.Gradient.abs().amax([1, 2, 3]).ToArray<float>(), value => Assert.Equal(60, value));
    }

    [Fact]
    public void A_softmax_over_groups_of_classes_stays()
    {
        using OpenedModel opened = Load(
            Net(4)
                .Longs("pairs", -1, 2, 2)
                .Longs("four", -1, 4)
                .Node("Reshape", ["y", "pairs"], ["g"])
                .Node("Softmax", ["g"], ["s"])
                .Node("Reshape", ["s", "four"], ["out"])
                .Output("out", -1, 4),
            contract: new InputContract { Output = "out" }
        );
        using var frozen = no_grad();
        using var scope = NewDisposeScope();

        Tensor scores = ((IClassifier)opened.Model).Logits(Parry.Models.Images.Of(Images(2)));

        Assert.All(scores.reshape(4, 2).sum(1).ToArray<float>(), sum => Assert.Equal(1, sum, 1e-5));
    }

    [Fact]
    public void Outputs_that_are_said_to_be_logits_stay_as_they_are()
    {
        using OpenedModel opened = Load(Net(3, "Softmax"), contract: new InputContract { Outputs = OutputKind.Logits });
        using var frozen = no_grad();
        using var scope = NewDisposeScope();

        Tensor logits = ((IClassifier)opened.Model).Logits(Parry.Models.Images.Of(Images(2)));

        Assert.All(logits.sum(1).ToArray<float>(), sum => Assert.Equal(1, sum, 1e-4));
    }

    // A linear network of one score is the difference of that of two scores. Its scores are large: sigmoids round to 0
    // and 1.
    private static OnnxBuilder Net(int classes, params string[] head)
    {
        float[] column = [.. Enumerable.Range(0, 16).Select(i => 60f * ((i * 7 % 5) - 2))];
        float[] weights = classes switch
        {
            1 => column,
            2 => [.. column.SelectMany(weight => new[] { -weight / 2, weight / 2 })],
            _ => [.. Enumerable.Range(0, 16 * classes).Select(i => 60f * ((i * 7 % 11) - 5))],
        };
        OnnxBuilder net = new OnnxBuilder()
            .Input("x", -1, 1, 4, 4)
            .Floats("w", weights, 16, classes)
            .Floats("temperature", [0.01f], 1)
            .Floats("low", [1e-12f])
            .Floats("one", [1])
            .Floats("tiny", [1e-6f])
            .Longs("rows", -1, classes)
            .Longs("line", -1)
            .Longs("last", 2)
            .Longs("second", 1)
            .Node("Flatten", ["x"], ["flat"])
            .Node("MatMul", ["flat", "w"], [head.Length == 0 ? "y" : s_scores[0]]);
        string at = s_scores[0];
        for (int i = 0; i < head.Length; i++)
        {
            string made = i == head.Length - 1 ? "y" : $"head{i}";
            net = head[i] switch
            {
                "Temperature" => net.Node("Div", [at, "temperature"], [made]),
                "Clip" => net.Node("Clip", [at, "low"], [made]),
                "Add" => net.Node("Add", [at, "tiny"], [made]),
                "Reshape" => net.Node("Reshape", [at, "rows"], [made]),
                "Flat" => net.Node("Reshape", [at, "line"], [made]),
                "Unsqueeze" => net.Node("Unsqueeze", [at, "last"], [made]),
                "Stack" => net.Node("Sub", ["one", at], ["rest"])
                    .Node("Unsqueeze", ["rest", "second"], ["first column"])
                    .Node("Unsqueeze", [at, "second"], ["second column"])
                    .Node("Concat", ["first column", "second column"], [made], ("axis", -1)),
                "Pair" => net.Node("Sub", ["one", at], ["rest"]).Node("Concat", ["rest", at], [made], ("axis", 1)),
                "Squeeze" => net.Node("Squeeze", [at], [made]),
                var type => net.Node(type, [at], [made]),
            };
            at = made;
        }

        return net.TypedOutput("y", 1, -1, classes);
    }
}
