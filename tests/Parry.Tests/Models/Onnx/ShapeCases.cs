using static Parry.Tests.Models.Onnx.OperatorInputs;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>Operators that move values about, and those that read or change sizes.</summary>
internal static class ShapeCases
{
    public static IEnumerable<OperatorCase> All() => [.. Moves(), .. Sizes()];

    private static IEnumerable<OperatorCase> Moves()
    {
        yield return new("Transpose", "Transpose", 7, () => [Numbers(2, 3, 4)], ("perm", new long[] { 1, 2, 0 }));
        yield return new("Transpose backwards", "Transpose", 7, () => [Numbers(2, 3, 4)]);
        yield return new("Concat", "Concat", 7, () => [Numbers(2, 3), Numbers(2, 1)], ("axis", 1));
        yield return new("Split", "Split", 7, () => [Numbers(6, 2)], ("axis", 0)) { Outputs = 3, To = 17 };
        yield return new("Split by attributes", "Split", 7, () => [Numbers(6, 2)], ("split", new long[] { 1, 5 }))
        {
            Outputs = 2,
            To = 12,
        };
        yield return new("Split by inputs", "Split", 13, () => [Numbers(6, 2), Longs(1, 5)]) { Outputs = 2 };
        yield return new("Split into a number", "Split", 18, () => [Numbers(7, 2)], ("num_outputs", 3)) { Outputs = 3 };
        yield return new(
            "Slice by attributes",
            "Slice",
            7,
            () => [Numbers(4, 5)],
            ("starts", new long[] { 1, -3 }),
            ("ends", new long[] { 9, -1 })
        )
        {
            To = 9,
        };
        yield return new("Slice", "Slice", 10, () => [Numbers(4, 5), Longs(1), Longs(9)]);
        yield return new(
            "Slice in steps",
            "Slice",
            10,
            () => [Numbers(4, 5), Longs(-1, 0), Longs(-9, 9), Longs(1, 0), Longs(-2, 2)]
        );
        yield return new("Gather", "Gather", 11, () => [Numbers(4, 5), Longs(2, -1, 0)], ("axis", 1));
        yield return new("Gather of old", "Gather", 7, () => [Numbers(4, 5), Longs(2, 1, 0)]);
        yield return new(
            "GatherElements",
            "GatherElements",
            11,
            () => [Numbers(2, 3), tensor(new long[] { 0, -1, 1, 2 }, [2, 2])],
            ("axis", 1)
        );
        yield return new(
            "GatherND",
            "GatherND",
            11,
            () => [Numbers(2, 3, 4), tensor(new long[] { 0, 1, 1, -1 }, [2, 2])]
        );
        yield return new(
            "ScatterND",
            "ScatterND",
            11,
            () => [Numbers(4, 2), tensor(new long[] { 2, 0 }, [2, 1]), Numbers(2, 2)]
        );
        yield return new("DepthToSpace", "DepthToSpace", 7, () => [Numbers(1, 8, 2, 3)], ("blocksize", 2));
        yield return new(
            "DepthToSpace by columns",
            "DepthToSpace",
            11,
            () => [Numbers(1, 8, 2, 3)],
            ("blocksize", 2),
            ("mode", "CRD")
        );
        yield return new("SpaceToDepth", "SpaceToDepth", 7, () => [Numbers(1, 2, 4, 6)], ("blocksize", 2));
        yield return new(
            "Einsum",
            "Einsum",
            12,
            () => [Numbers(2, 3, 4), Numbers(2, 4, 5)],
            ("equation", "bij,bjk->bik")
        );
        yield return new("Tile", "Tile", 7, () => [Numbers(2, 3), Longs(2, 3)]);
        yield return new("Expand", "Expand", 8, () => [Numbers(3, 1), Longs(2, 1, 4)]);
        yield return new("NonZero", "NonZero", 9, () => [Truths(3, 4).to(ScalarType.Float32)]);
        foreach (string mode in new[] { "constant", "reflect", "edge" })
        {
            long[] pads = [0, 0, 1, 2, 0, 0, 2, 1];
            yield return new(
                $"Pad by attributes, {mode}",
                "Pad",
                7,
                () => [Numbers(1, 2, 4, 4)],
                ("pads", pads),
                ("mode", mode)
            )
            {
                To = 10,
            };
            yield return new(
                $"Pad by inputs, {mode}",
                "Pad",
                11,
                () => [Numbers(1, 2, 4, 4), Longs(pads)],
                ("mode", mode)
            );
        }

        yield return new("Pad with a number", "Pad", 11, () => [Numbers(2, 3), Longs(1, 0, 0, 2), Number(7)]);
        yield return new("Pad of some axes", "Pad", 18, () => [Numbers(2, 3), Longs(1, 2), Number(7), Longs(1)]);
        yield return new("Pad that cuts", "Pad", 11, () => [Numbers(3, 4), Longs(-1, 0, 0, -2)]);
    }

    private static IEnumerable<OperatorCase> Sizes()
    {
        long[] axes = [0, 2];
        yield return new("Reshape", "Reshape", 7, () => [Numbers(2, 3, 4), Longs(0, -1)]);
        yield return new("Flatten", "Flatten", 7, () => [Numbers(2, 3, 4)], ("axis", 2));
        yield return new("Flatten of nothing", "Flatten", 7, () => [Numbers(2, 3, 4)], ("axis", 0));
        yield return new("Squeeze by attributes", "Squeeze", 7, () => [Numbers(1, 3, 1, 2)], ("axes", axes))
        {
            To = 12,
        };
        yield return new("Squeeze by inputs", "Squeeze", 13, () => [Numbers(1, 3, 1, 2), Longs(axes)]);
        yield return new("Squeeze of all", "Squeeze", 7, () => [Numbers(1, 3, 1, 2)]);
        yield return new("Unsqueeze by attributes", "Unsqueeze", 7, () => [Numbers(3, 2)], ("axes", axes)) { To = 12 };
        yield return new("Unsqueeze by inputs", "Unsqueeze", 13, () => [Numbers(3, 2), Longs(axes)]);
        yield return new("Shape", "Shape", 7, () => [Numbers(2, 3, 4)]);
        yield return new("Shape in part", "Shape", 15, () => [Numbers(2, 3, 4)], ("start", 1), ("end", -1));
        yield return new("Size", "Size", 7, () => [Numbers(2, 3, 4)]);
        yield return new("ConstantOfShape", "ConstantOfShape", 9, () => [Longs(2, 3)]);
        yield return new(
            "Constant",
            "Constant",
            7,
            () => [],
            ("value", OnnxBuilder.TensorMessage("c", 1, BitConverter.GetBytes(2.5f), 1))
        );
        yield return new("Constant of integers", "Constant", 12, () => [], ("value_ints", axes));
        yield return new("Constant of a number", "Constant", 12, () => [], ("value_float", 2.5f));
        yield return new("Range", "Range", 11, () => [Number(1), Number(4), Number(0.5f)]);
        yield return new("Range backwards", "Range", 11, () => [tensor(9L), tensor(2L), tensor(-3L)]);
    }
}
