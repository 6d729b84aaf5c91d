using Parry.Models.Onnx.Files;
using Parry.Models.Onnx.Operators;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>
/// Operators by numbers that can be worked out by hand: what versions changed, and what LibTorch has otherwise.
/// </summary>
public class OnnxOperatorTests
{
    private static readonly float[] s_nine = [1, 2, 3, 4, 5, 6, 7, 8, 9];

    [Theory]
    [InlineData("SAME_UPPER", new float[] { 12, 16, 9, 24, 28, 15, 15, 17, 9 })]
    [InlineData("SAME_LOWER", new float[] { 1, 3, 5, 5, 12, 16, 11, 24, 28 })]
    [InlineData("VALID", new float[] { 12, 16, 24, 28 })]
    public void Convolutions_pad_as_they_are_told(string autoPad, float[] expected) =>
        Gives(expected, Node(17, "Conv", 2, ("auto_pad", autoPad)), Image(s_nine), ones([1, 1, 2, 2]));

    [Fact]
    public void Convolutions_pad_unevenly() =>
        Gives(
            [1, 2, 3, 5, 7, 9, 11, 13, 15, 7, 8, 9],
            Node(17, "Conv", 2, ("pads", new long[] { 1, 0, 1, 0 })),
            Image(s_nine),
            ones([1, 1, 2, 1])
        );

    // By hand: the full result of [[1, 2], [3, 4]] with [[0, 1], [1, 1]] is [[0, 1, 2], [1, 6, 6], [3, 7, 4]].
    [Fact]
    public void Transposed_convolutions_cut_unevenly() =>
        Gives(
            [1, 2, 6, 6],
            Node(17, "ConvTranspose", 2, ("pads", new long[] { 0, 1, 1, 0 })),
            Image([1, 2, 3, 4]),
            tensor(new float[] { 0, 1, 1, 1 }, [1, 1, 2, 2])
        );

    [Theory]
    [InlineData(0, new float[] { 1, 2.5f, 5.5f, 7 })]
    [InlineData(1, new float[] { 0.25f, 1.25f, 2.75f, 7 })]
    public void Means_count_uneven_padding_only_if_they_are_told(int count, float[] expected) =>
        Gives(
            expected,
            Node(
                19,
                "AveragePool",
                1,
                ("kernel_shape", new long[] { 2, 2 }),
                ("strides", new long[] { 2, 2 }),
                ("pads", new long[] { 1, 1, 0, 0 }),
                ("count_include_pad", count)
            ),
            Image(s_nine)
        );

    [Theory]
    [InlineData(0, new float[] { 5 })]
    [InlineData(1, new float[] { 5, 6, 8, 9 })]
    public void Pools_round_their_sizes_up_if_they_are_told(int ceil, float[] expected) =>
        Gives(
            expected,
            Node(
                17,
                "MaxPool",
                1,
                ("kernel_shape", new long[] { 2, 2 }),
                ("strides", new long[] { 2, 2 }),
                ("ceil_mode", ceil)
            ),
            Image(s_nine)
        );

    [Fact]
    public void Slices_go_backwards() =>
        Gives(
            [9, 7, 6, 4, 3, 1],
            Node(17, "Slice", 5),
            Image(s_nine).reshape(3, 3),
            Longs(-1, -1),
            Longs(long.MinValue, long.MinValue),
            Longs(0, 1),
            Longs(-1, -2)
        );

    [Theory]
    [InlineData(13)]
    [InlineData(18)]
    public void Axes_of_a_mean_are_an_attribute_and_later_an_input(int opset)
    {
        if (opset < 18)
            Gives(
                [2, 5, 8],
                Node(opset, "ReduceMean", 1, ("axes", new long[] { 1 }), ("keepdims", 0)),
                Image(s_nine).reshape(3, 3)
            );
        else
            Gives([2, 5, 8], Node(opset, "ReduceMean", 2, ("keepdims", 0)), Image(s_nine).reshape(3, 3), Longs(-1));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(13)]
    public void Axes_to_drop_are_an_attribute_and_later_an_input(int opset)
    {
        if (opset < 13)
            Gives(s_nine, Node(opset, "Squeeze", 1, ("axes", new long[] { 0, 1 })), Image(s_nine));
        else
            Gives(s_nine, Node(opset, "Squeeze", 2), Image(s_nine), Longs(0, 1));
    }

    [Theory]
    [InlineData(9)]
    [InlineData(13)]
    public void Bounds_of_a_clip_are_attributes_and_later_inputs(int opset)
    {
        if (opset < 11)
            Gives([3, 3, 3, 4, 5, 6, 6, 6, 6], Node(opset, "Clip", 1, ("min", 3f), ("max", 6f)), Image(s_nine));
        else
            Gives(
                [3, 3, 3, 4, 5, 6, 6, 6, 6],
                Node(opset, "Clip", 3),
                Image(s_nine),
                tensor(new float[] { 3 }, []),
                tensor(new float[] { 6 }, [])
            );
    }

    [Fact]
    public void A_softmax_of_old_took_all_dimensions_from_its_axis_on_for_one() =>
        Gives([0.25f, 0.25f, 0.25f, 0.25f], Node(11, "Softmax", 1, ("axis", 1)), zeros([1, 2, 2]));

    [Fact]
    public void A_softmax_of_now_takes_one() =>
        Gives([0.5f, 0.5f, 0.5f, 0.5f], Node(13, "Softmax", 1, ("axis", 1)), zeros([1, 2, 2]));

    [Fact]
    public void A_split_into_a_number_of_parts_leaves_the_last_one_smaller()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] parts = Node(18, "Split", 1, 2, ("num_outputs", 2), ("axis", 0)).Run(arange(5, ScalarType.Int64));
        Assert.Equal([0, 1, 2], parts[0].ToArray<long>());
        Assert.Equal([3, 4], parts[1].ToArray<long>());
    }

    [Fact]
    public void Gelu_is_x_times_the_normal_distribution() =>
        Gives([-0.158655f, 0, 0.841345f], Node(20, "Gelu", 1), tensor(new float[] { -1, 0, 1 }, [3]));

    [Fact]
    public void Groups_are_normalized_with_a_number_for_each_channel() =>
        Gives(
            [-1, 2, -3, 4],
            Node(21, "GroupNormalization", 3, ("num_groups", 2), ("epsilon", 0f)),
            tensor(new float[] { 0, 2, 5, 9 }, [1, 4, 1, 1]),
            tensor(new float[] { 1, 2, 3, 4 }, [4]),
            zeros([4])
        );

    [Fact]
    public void Layers_are_normalized_over_their_last_dimensions() =>
        Gives(
            [-1, 1, -1, 1],
            Node(17, "LayerNormalization", 2, ("epsilon", 0f)),
            tensor(new float[] { 0, 2, 5, 9 }, [2, 2]),
            ones([2])
        );

    [Fact]
    public void Neighboring_channels_dampen_each_other() =>
        Gives(
            [1 / 6f, 2 / 15f, 3 / 14f],
            Node(17, "LRN", 1, ("size", 3), ("alpha", 3f), ("beta", 1f), ("bias", 1f)),
            tensor(new float[] { 1, 2, 3 }, [1, 3, 1, 1])
        );

    [Theory]
    [InlineData("half_pixel", "linear", new float[] { 1, 1.25f, 1.75f, 2 })]
    [InlineData("asymmetric", "linear", new float[] { 1, 1.5f, 2, 2 })]
    [InlineData("align_corners", "linear", new float[] { 1, 1.333333f, 1.666667f, 2 })]
    [InlineData("asymmetric", "nearest", new float[] { 1, 1, 2, 2 })]
    public void Images_grow_in_each_of_the_ways(string coordinates, string mode, float[] expected) =>
        Gives(
            expected,
            Node(
                13,
                "Resize",
                4,
                ("mode", mode),
                ("coordinate_transformation_mode", coordinates),
                ("nearest_mode", "floor")
            ),
            tensor(new float[] { 1, 2 }, [1, 1, 1, 2]),
            null,
            null,
            Longs(1, 1, 1, 4)
        );

    [Fact]
    public void Negative_indices_count_from_the_end() =>
        Gives([7, 8, 9, 1, 2, 3], Node(17, "Gather", 2, ("axis", 0)), Image(s_nine).reshape(3, 3), Longs(-1, 0));

    [Fact]
    public void Nothing_is_dropped_and_training_is_refused()
    {
        using Tensor training = tensor(true);
        using Tensor half = tensor(0.5f);
        Gives(s_nine, Node(13, "Dropout", 1), Image(s_nine));
        Gives(s_nine, Node(13, "Dropout", 3), Image(s_nine), tensor(0f), training);
        Assert.Contains(
            "model.eval()",
            Assert.Throws<InvalidDataException>(() => Node(13, "Dropout", 3).Run(half, half, training)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Integers_are_divided_without_fractions() =>
        Gives([-3, 3], Node(17, "Div", 2), Longs(-7, 7), Longs(2, 2));

    private static SingleNode Node(
        int opset,
        string type,
        int inputs,
        params (string Name, object Value)[] attributes
    ) => Node(opset, type, inputs, 1, attributes);

    private static SingleNode Node(
        int opset,
        string type,
        int inputs,
        int outputs,
        params (string Name, object Value)[] attributes
    ) => new(opset, type, inputs, outputs, attributes);

    private static Tensor Image(float[] values) =>
        tensor(values, [1, 1, (long)Math.Sqrt(values.Length), (long)Math.Sqrt(values.Length)]);

    private static Tensor Longs(params long[] values) => tensor(values);

    private static void Gives(float[] expected, SingleNode node, params Tensor?[] inputs)
    {
        using var frozen = no_grad();
        float[] got = node.Run(inputs)[0].to(ScalarType.Float32).ToArray<float>();
        Assert.Equal(expected.Length, got.Length);
        Assert.All(expected.Zip(got), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    private sealed record SingleNode(
        int Opset,
        string Type,
        int Inputs,
        int Outputs,
        (string Name, object Value)[] Attributes
    )
    {
        // What Parry makes of the inputs, once ONNX Runtime has made the same of them.
        public Tensor[] Run(params Tensor?[] inputs)
        {
            Assert.Equal(Inputs, inputs.Length);
            var file = new OnnxBuilder(Opset);
            string[] names = [.. inputs.Select((input, i) => input is null ? "" : $"i{i}")];
            string[] outputs = [.. Enumerable.Range(0, Outputs).Select(i => $"o{i}")];
            file.Node(Type, names, outputs, Attributes);
            OnnxKernel kernel = OnnxOperators.Make(OnnxFile.Read(file.Build()).Nodes[0]);
            Tensor[] made = kernel([.. inputs.Select(input => input is null ? null : new OnnxValue(input))]);
            var given = new Dictionary<string, Tensor>();
            for (int i = 0; i < inputs.Length; i++)
            {
                if (inputs[i] is not { } input)
                    continue;
                given[names[i]] = input;
                file.TypedInput(names[i], OnnxJudge.TypeOf(input), input.shape);
            }

            for (int i = 0; i < Outputs; i++)
                file.TypedOutput(outputs[i], OnnxJudge.TypeOf(made[i]), made[i].shape);
            using var judge = new OnnxJudge(file.Build());
            for (int i = 0; i < Outputs; i++)
                OnnxJudge.Agrees(judge.Run(given, outputs[i]), made[i]);
            return made;
        }
    }
}
