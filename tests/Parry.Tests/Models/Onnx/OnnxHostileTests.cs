using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Runtime;

namespace Parry.Tests.Models.Onnx;

/// <summary>
/// Files that lie, ask for too much or are damaged: one line of refusal, and no memory or time taken.
/// </summary>
public sealed class OnnxHostileTests : OnnxModels
{
    [Fact]
    public void All_missing_operators_are_named_with_their_nodes() =>
        Refuses(
            new OnnxBuilder()
                .Input("x", -1, 1, 4, 4)
                .Output("c", -1, 2)
                .Node("Flatten", ["x"], ["y"])
                .Node("Fancy", ["y"], ["a"])
                .Node("com.corp.Other", ["a"], ["b"])
                .Node("Fancy", ["b"], ["c"]),
            "2 operators",
            "Fancy \"node",
            "and 1 more",
            "com.corp.Other \"node"
        );

    [Fact]
    public void A_cycle_is_refused() =>
        Refuses(
            OnnxBuilder
                .Classifier()
                .Node("Add", ["x", "b"], ["a"])
                .Node("Relu", ["a"], ["b"])
                .Node("Flatten", ["b"], ["y"]),
            "cycle"
        );

    [Fact]
    public void A_value_that_nothing_makes_is_refused() =>
        Refuses(OnnxBuilder.Classifier().Node("Add", ["x", "ghost"], ["y"]), "ghost");

    [Fact]
    public void A_value_that_is_made_twice_is_refused() => Refuses(Linear().Node("Relu", ["x"], ["flat"]), "twice");

    [Fact]
    public void Negative_sizes_are_refused() =>
        Refuses(
            OnnxBuilder.Classifier().Constant("w", 1, [], -4, 4).Node("MatMul", ["x", "w"], ["y"]),
            "sizes of 0 or more"
        );

    [Fact]
    public void A_constant_that_declares_more_than_it_holds_is_refused() =>
        Refuses(
            OnnxBuilder.Classifier().Constant("w", 1, new byte[16], 1 << 20, 1 << 20).Node("MatMul", ["x", "w"], ["y"]),
            "16 bytes"
        );

    [Fact]
    public void A_constant_whose_size_overflows_is_refused() =>
        Refuses(
            OnnxBuilder
                .Classifier()
                .Constant("w", 1, new byte[16], long.MaxValue, long.MaxValue)
                .Node("MatMul", ["x", "w"], ["y"]),
            "model.onnx"
        );

    [Fact]
    public void Means_for_other_channels_are_refused() =>
        Refuses(
            new OnnxBuilder()
                .Input("x", -1, 2, 4, 2)
                .Output("y", -1, 16)
                .Node("Flatten", ["x"], ["y"])
                .Metadata("mean", "0.1,0.2,0.3"),
            "2 channels"
        );

    [Fact]
    public void Names_that_are_none_are_left_open()
    {
        using OpenedModel opened = Load(Linear().Metadata("classes", "[null,\"a\"]"));

        Assert.Null(opened.Contract.ClassNames);
    }

    [Fact]
    public void Blocks_of_no_size_are_refused() =>
        Refuses(
            OnnxBuilder.Classifier().Node("SpaceToDepth", ["x"], ["d"], ("blocksize", 0)).Node("Flatten", ["d"], ["y"]),
            "SpaceToDepth"
        );

    [Theory]
    [InlineData("../secret")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/../../secret")]
    [InlineData("link")]
    [InlineData("missing.bin")]
    [InlineData("")]
    public void External_data_outside_the_models_folder_is_refused(string location)
    {
        File.WriteAllBytes(Path.Combine(_folder, "..", "secret"), new byte[64]);
        File.CreateSymbolicLink(Path.Combine(_folder, "link"), "/etc/passwd");

        Refuses(
            OnnxBuilder.Classifier(4).External("w", location, [4, 4]).Node("MatMul", ["x", "w"], ["y"]),
            "folder|missing beside"
        );
    }

    [Theory]
    [InlineData(0, 4096)]
    [InlineData(-8, 64)]
    [InlineData(1L << 62, 64)]
    public void External_data_beyond_their_file_are_refused(long offset, long length)
    {
        File.WriteAllBytes(Path.Combine(_folder, "w.bin"), new byte[128]);

        Refuses(
            OnnxBuilder.Classifier(4).External("w", "w.bin", [4, 4], offset, length).Node("MatMul", ["x", "w"], ["y"]),
            "128 bytes|bytes where"
        );
    }

    [Theory]
    [InlineData("Expand")]
    [InlineData("Tile")]
    [InlineData("ConstantOfShape")]
    [InlineData("Range")]
    [InlineData("Pad")]
    [InlineData("Resize")]
    [InlineData("Broadcast")]
    public void A_few_bytes_that_ask_for_gigabytes_are_refused(string by)
    {
        OnnxBuilder net = OnnxBuilder
            .Classifier()
            .Longs("sizes", 1 << 13, 1 << 13, 1 << 13, 4)
            .Longs("limit", 1L << 40)
            .Longs("zero", 0)
            .Longs("one", 1)
            .Longs("pads", 0, 0, 0, 0, 0, 0, 1 << 19, 1 << 19)
            .Floats("scales", [1, 1, 4000, 4000], 4)
            .Floats("column", new float[1 << 16], 1 << 16, 1)
            .Floats("row", new float[1 << 16], 1, 1 << 16);
        net = by switch
        {
            "Expand" => net.Node("Expand", ["x", "sizes"], ["big"]),
            "Tile" => net.Node("Tile", ["x", "sizes"], ["big"]),
            "ConstantOfShape" => net.Node("ConstantOfShape", ["sizes"], ["big"]),
            "Range" => net.Node("Range", ["zero", "limit", "one"], ["big"]),
            "Pad" => net.Node("Pad", ["x", "pads"], ["big"]),
            "Resize" => net.Node("Resize", ["x", "", "scales"], ["big"]),
            _ => net.Node("Add", ["column", "row"], ["big"]),
        };
        long before = GC.GetTotalMemory(false) + Environment.WorkingSet;

        Refuses(
            net.Node("ReduceSum", ["big"], ["sum"])
                .Node("Flatten", ["x"], ["flat"])
                .Node("Add", ["flat", "sum"], ["y"]),
            "model.onnx"
        );

        Assert.True(GC.GetTotalMemory(false) + Environment.WorkingSet - before < 600 << 20);
    }

    [Fact]
    public void Sizes_of_images_that_are_open_must_be_said()
    {
        string path = new OnnxBuilder()
            .Input("x", -1, 3, -1, -1)
            .Output("y", -1, 3)
            .Node("GlobalAveragePool", ["x"], ["p"])
            .Node("Flatten", ["p"], ["y"])
            .Save(_folder);

        Assert.Contains(
            "--input-size",
            Assert.Throws<UserErrorException>(() => ModelCatalog.Open(path, new InputContract())).Message,
            StringComparison.Ordinal
        );
        OnnxJudge.Agrees(path, new ImageShape(3, 8, 6));
        using OpenedModel opened = ModelCatalog.Open(path, new InputContract { Size = new ImageShape(3, 8, 6) });
        Assert.Equal(new ImageShape(3, 8, 6), opened.Model.Shape);
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Mutated_files_give_an_error_or_a_result()
    {
        byte[] whole = OnnxBuilder
            .Classifier(opset: 13)
            .Floats("w", [.. Enumerable.Range(0, 18).Select(i => i / 9f)], 2, 1, 3, 3)
            .Longs("sizes", 0, -1)
            .Floats("v", new float[64], 32, 2)
            .Node("Conv", ["x", "w"], ["c"], ("pads", new long[] { 1, 1, 1, 1 }), ("strides", new long[] { 1, 1 }))
            .Node("Relu", ["c"], ["r"])
            .Node("Shape", ["r"], ["s"])
            .Node("Reshape", ["r", "sizes"], ["flat"])
            .Node("MatMul", ["flat", "v"], ["z"])
            .Node("Softmax", ["z"], ["y"], ("axis", 1))
            .Build();
        string path = Path.Combine(_folder, "mutated.onnx");
        File.WriteAllBytes(path, whole);
        OnnxJudge.Agrees(path, s_shape);
        Fuzz.Run(
            [whole],
            _ => 64 << 20,
            file =>
            {
                File.WriteAllBytes(path, file);
                ModelCatalog.Open(path, new InputContract(), s_shape).Dispose();
            }
        );
        Assert.True(Environment.WorkingSet < 4L << 30);
    }

    private static OnnxBuilder Linear() =>
        OnnxBuilder
            .Classifier()
            .Floats("w", new float[32], 16, 2)
            .Node("Flatten", ["x"], ["flat"])
            .Node("MatMul", ["flat", "w"], ["y"]);

    private void Refuses(OnnxBuilder net, params string[] words)
    {
        // What other tests left to the finalizer is not to be counted.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long live = Settled.Tensors();
        UserErrorException refusal = Assert.Throws<UserErrorException>(() => Load(net));
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.All(
            words,
            word =>
                Assert.Contains(
                    word.Split('|'),
                    alternative => refusal.Message.Contains(alternative, StringComparison.Ordinal)
                )
        );
        Assert.Equal(live, LiveTensors.Count);
    }
}
