using Parry.Models;
using Parry.Models.Onnx;
using Parry.Models.Onnx.Files;
using Parry.Models.Onnx.Operators;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>What a node costs is estimated before it runs, and what is wrong with it is said in one line.</summary>
public sealed class OnnxCostTests : OnnxModels
{
    private static readonly string[] s_unhelpful =
    [
        "Object reference",
        "Index was",
        "Arithmetic",
        "Attempted to divide",
    ];

    [Theory]
    [InlineData("Einsum")]
    [InlineData("LRN")]
    [InlineData("Where")]
    [InlineData("Gather")]
    [InlineData("GatherND")]
    [InlineData("ConvTranspose")]
    [InlineData("MatMul")]
    [InlineData("DequantizeLinear")]
    public void Memory_is_estimated_before_a_node_runs(string type)
    {
        OnnxBuilder net = OnnxBuilder
            .Classifier()
            .Longs("flat", -1, 16)
            .Longs("column", -1, 1)
            .Longs("first", new long[1 << 16])
            .Floats("kernel", [1], 1, 1, 1, 1)
            .Floats("wide", new float[1 << 14], 1, 1 << 14)
            .Floats("tall", new float[1 << 14], 1 << 14, 1)
            .Floats("deep", new float[1 << 14], 1 << 14, 1, 1)
            .Constant("bytes", 2, new byte[1 << 14], 1, 1 << 14)
            .Constant("whether", 9, new byte[1 << 10], 1 << 10, 1, 1)
            .Constant("pairs", 7, new byte[8 << 15], 1 << 15, 1)
            .Node("Reshape", ["x", "flat"], ["row"])
            .Node("Reshape", ["x", "column"], ["long"]);
        net = type switch
        {
            "Einsum" => net.Node("Einsum", ["row", "tall", "wide"], ["big"], ("equation", "ab,cd,de->abce")),
            "LRN" => net.Floats("times", new float[1 << 14], 1, 1, 1, 1 << 14)
                .Node("MatMul", ["long", "wide"], ["m"])
                .Longs("nchw", 1, 1, -1, 64)
                .Node("Reshape", ["m", "nchw"], ["r"])
                .Node("LRN", ["r"], ["big"], ("size", 1 << 16)),
            "Where" => net.Node("Where", ["whether", "tall", "wide"], ["big"]),
            "Gather" => net.Node("Gather", ["wide", "first"], ["big"]),
            "GatherND" => net.Node("GatherND", ["wide", "pairs"], ["big"]),
            "ConvTranspose" => net.Node(
                "ConvTranspose",
                ["x", "kernel"],
                ["big"],
                ("strides", new long[] { 1 << 14, 1 << 14 })
            ),
            "MatMul" => net.Node("MatMul", ["deep", "wide"], ["big"]),
            _ => net.Node("DequantizeLinear", ["bytes", "tall"], ["big"], ("axis", 0)),
        };
        string refusal = Refuses(net.Node("ReduceSum", ["big"], ["sum"]).Node("Add", ["row", "sum"], ["y"]));

        Assert.Contains("1 GiB", refusal, StringComparison.Ordinal);
        Assert.Contains("--model-memory", refusal, StringComparison.Ordinal);
        Assert.Contains("node", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Work_is_estimated_before_a_node_runs()
    {
        var net = OnnxBuilder
            .Classifier(1)
            .Longs("sizes", 512, 512)
            .Node("ConstantOfShape", ["sizes"], ["square"])
            .Node("ReduceSum", ["x"], ["sum"])
            .Node("Add", ["square", "sum"], ["v0"]);
        for (int i = 0; i < 80; i++)
            net.Node("MatMul", [$"v{i}", $"v{i}"], [$"v{i + 1}"]);

        Assert.Contains(
            "multiplications",
            Refuses(net.Node("ReduceSum", ["v80"], ["y"]), 0.005),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_batch_that_a_file_declares_is_bounded() =>
        Assert.Contains(
            "GiB",
            Refuses(
                new OnnxBuilder().Input("x", 1 << 26, 1, 4, 4).Output("y", 1 << 26, 16).Node("Flatten", ["x"], ["y"])
            ),
            StringComparison.Ordinal
        );

    [Fact]
    public void The_bound_can_be_raised()
    {
        OnnxBuilder net = OnnxBuilder
            .Classifier(16)
            .Longs("times", 1, 1, 64, 64)
            .Node("Tile", ["x", "times"], ["big"])
            .Node("ReduceMean", ["big"], ["mean"], ("keepdims", 0))
            .Node("Flatten", ["x"], ["flat"])
            .Node("Add", ["flat", "mean"], ["y"]);

        Assert.Throws<UserErrorException>(() => Load(net, 1.0 / (1 << 14)));
        Load(net, 1.0 / (1 << 8));
    }

    [Theory]
    [InlineData("Conv", "group", 1L << 32)]
    [InlineData("Conv", "group", 0L)]
    [InlineData("ConvTranspose", "group", long.MinValue)]
    [InlineData("LRN", "size", 1L << 40)]
    [InlineData("LpNormalization", "p", 3L)]
    [InlineData("Softmax", "axis", 1L << 32)]
    [InlineData("DepthToSpace", "blocksize", 0L)]
    [InlineData("DepthToSpace", "blocksize", 1L << 32)]
    [InlineData("GroupNormalization", "num_groups", 0L)]
    public void Integers_out_of_range_are_refused_with_their_node_and_name(string type, string attribute, long value)
    {
        string refusal = Refuses(
            OnnxBuilder
                .Classifier(16)
                .Floats("w", new float[9], 1, 1, 3, 3)
                .Node(type, ["x", "w", "w"], ["c"], (attribute, value))
                .Node("Flatten", ["c"], ["y"])
        );

        Assert.Contains($"{type} \"node1\"", refusal, StringComparison.Ordinal);
        Assert.Contains($"{attribute} {value}", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_whose_product_overflows_are_refused() =>
        Assert.Contains(
            "multiply",
            Refuses(
                OnnxBuilder
                    .Classifier()
                    .Constant("w", 1, new byte[16], 1L << 40, 1L << 40)
                    .Node("MatMul", ["x", "w"], ["y"])
            ),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_constant_output_is_refused()
    {
        OnnxBuilder Net() => new OnnxBuilder().Input("x", 2, 1, 4, 4).Output("y", 2, 2).Floats("w", new float[4], 2, 2);

        Assert.Contains("constant", Refuses(Net().Floats("y", new float[4], 2, 2)), StringComparison.Ordinal);
        Assert.Contains("Relu", Refuses(Net().Node("Relu", ["w"], ["y"])), StringComparison.Ordinal);
        Assert.Contains("shape", Refuses(Net().Node("Shape", ["x"], ["y"])), StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_normalization_of_other_sizes_is_not_folded_and_named() =>
        Assert.Contains(
            "BatchNormalization \"node2\"",
            Refuses(
                OnnxBuilder
                    .Classifier()
                    .Floats("w", new float[9], 1, 1, 3, 3)
                    .Floats("one", [1], 1)
                    .Floats("tall", new float[1 << 16], 1 << 16, 1)
                    .Floats("wide", new float[1 << 16], 1, 1 << 16)
                    .Node("Conv", ["x", "w"], ["c"])
                    .Node("BatchNormalization", ["c", "one", "one", "tall", "wide"], ["n"])
                    .Node("Flatten", ["n"], ["y"])
            ),
            StringComparison.Ordinal
        );

    [Fact]
    public void Wrong_inputs_and_attributes_of_every_operator_give_one_line_with_its_name()
    {
        using var frozen = no_grad();
        using var guard = new OnnxGuard(0.01);
        string[] integers = ["axis", "group", "k", "size", "num_groups", "keepdims", "p", "to", "num_outputs", "start"];
        string[] lists = ["kernel_shape", "strides", "pads", "dilations", "axes", "perm", "output_shape", "split"];
        long[] values = [0, 1L << 32, long.MinValue];
        foreach (string type in OnnxOperators.Names)
        {
            foreach (long value in values)
            {
                (string, object)[] attributes =
                [
                    .. integers.Select(name => (name, (object)value)),
                    .. lists.Select(name => (name, (object)new[] { value, value })),
                ];
                for (int inputs = 0; inputs < 4; inputs++)
                    Check(inputs % 2 == 0 ? 12 : 21, type, inputs, attributes);
            }

            for (int inputs = 0; inputs < 4; inputs++)
                Check(inputs % 2 == 0 ? 21 : 12, type, inputs, []);
        }
    }

    private static void Check(int opset, string type, int count, (string, object)[] attributes)
    {
        using var scope = NewDisposeScope();
        OnnxGuard.Restart();
        string[] names = [.. Enumerable.Range(0, count).Select(i => $"i{i}")];
        byte[] file = new OnnxBuilder(opset).Node(type, names, ["o"], attributes).Build();
        OnnxNode node = OnnxFile.Read(file).Nodes[0];
        OnnxValue?[] inputs =
        [
            .. new[] { ones(1, 2, 3, 3), ones(2), null }.Take(count).Select(x => x is null ? null : new OnnxValue(x)),
        ];
        try
        {
            OnnxGraph.Run(node, OnnxGraph.Make(node), inputs);
        }
        catch (InvalidDataException e)
        {
            Assert.Contains(type, e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', e.Message);
            Assert.All(s_unhelpful, words => Assert.DoesNotContain(words, e.Message, StringComparison.Ordinal));
        }
    }

    private void Load(OnnxBuilder net, double? gibibytes) =>
        Load(net, contract: new InputContract { Memory = gibibytes }).Dispose();

    private string Refuses(OnnxBuilder net, double? gibibytes = null)
    {
        string refusal = Assert.Throws<UserErrorException>(() => Load(net, gibibytes)).Message;
        Assert.DoesNotContain('\n', refusal);
        Assert.All(s_unhelpful, words => Assert.DoesNotContain(words, refusal, StringComparison.Ordinal));
        return refusal;
    }
}
