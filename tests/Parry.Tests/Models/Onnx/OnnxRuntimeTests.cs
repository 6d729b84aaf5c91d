using Parry.Models.Onnx.Files;
using Xunit.Abstractions;

namespace Parry.Tests.Models.Onnx;

/// <summary>
/// ONNX Runtime as the judge of Parry's reader: public networks here, and a network in every version of the operators.
/// The graphs of the other tests are judged where they are built.
/// </summary>
public sealed class OnnxRuntimeTests(ITestOutputHelper log) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parry-onnx").FullName;

    public static TheoryData<int> Opsets => [.. Enumerable.Range(7, 15)];

    public void Dispose() => Directory.Delete(_folder, true);

    [FactIfModel("mnist-natural.onnx")]
    public void Every_public_model_gives_the_same_logits()
    {
        string[] files = Directory.GetFiles(PublicModels.Folder!, "*.onnx");
        Assert.All(
            files,
            file =>
            {
                // Open sizes would have to be said; no public model has any.
                long[] sizes = Assert.Single(OnnxFile.Read(file).Inputs).Shape!;
                double worst = OnnxJudge.Agrees(file, new ImageShape((int)sizes[1], (int)sizes[2], (int)sizes[3]));
                log.WriteLine($"{Path.GetFileName(file)}: {worst:e1}");
            }
        );
    }

    [Theory]
    [MemberData(nameof(Opsets))]
    public void A_network_gives_the_same_logits_in_every_version(int opset)
    {
        long[] around = [1, 1, 1, 1];
        long[] two = [2, 2];
        string path = new OnnxBuilder(opset)
            .Input("x", -1, 2, 6, 6)
            .Output("y", -1, 3)
            .Floats("w", Numbers(4 * 2 * 9), 4, 2, 3, 3)
            .Floats("b", Numbers(4), 4)
            .Floats("scale", [1, 0.5f, -2, 1.5f], 4)
            .Floats("shift", Numbers(4), 4)
            .Floats("mean", Numbers(4), 4)
            .Floats("variance", [1, 2, 0.5f, 3], 4)
            .Floats("v", Numbers(36 * 3), 36, 3)
            .Floats("c", Numbers(3), 3)
            .Longs("sizes", 0, -1)
            .Node("Conv", ["x", "w", "b"], ["c1"], ("pads", around))
            .Node("BatchNormalization", ["c1", "scale", "shift", "mean", "variance"], ["n1"])
            .Node("Relu", ["n1"], ["r1"])
            .Node("MaxPool", ["r1"], ["p1"], ("kernel_shape", two), ("strides", two))
            .Node("AveragePool", ["p1"], ["p2"], ("kernel_shape", new long[] { 3, 3 }), ("pads", around))
            .Node("Reshape", ["p2", "sizes"], ["flat"])
            .Node("Gemm", ["flat", "v", "c"], ["z"])
            .Node("LogSoftmax", ["z"], ["y"], ("axis", 1))
            .Save(_folder);

        OnnxJudge.Agrees(path, new ImageShape(2, 6, 6));
    }

    [Theory]
    [InlineData("NONE")]
    [InlineData("SOFTMAX")]
    [InlineData("LOGISTIC")]
    public void A_linear_model_of_scikit_learn_gives_the_same_scores(string transform)
    {
        string path = new OnnxBuilder()
            .Input("X", -1, 16)
            .TypedOutput("label", 7, -1)
            .Output("scores", -1, 3)
            .Node(
                "ai.onnx.ml.LinearClassifier",
                ["X"],
                ["label", "scores"],
                ("coefficients", Numbers(48)),
                ("intercepts", new[] { 0f, 0.5f, 1 }),
                ("classlabels_ints", new long[] { 0, 1, 2 }),
                ("post_transform", transform)
            )
            .Save(_folder);

        OnnxJudge.Agrees(path, new ImageShape(1, 4, 4));
    }

    private static float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(i => ((i * 7 % 11) - 5) / 10f)];
}
