using static Parry.Tests.Models.Onnx.OperatorInputs;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Onnx;

/// <summary>The layers of networks.</summary>
internal static class LayerCases
{
    public static IEnumerable<OperatorCase> All() => [.. Layers()];

    private static IEnumerable<OperatorCase> Layers()
    {
        static Tensor[] Channels() => [Numbers(3), Numbers(3).add(0.1), Numbers(3).mul(0.5), Positive(3)];
        long[] two = [2, 2];
        long[] three = [3, 3];
        long[] uneven = [1, 0, 0, 1];
        yield return new(
            "Conv",
            "Conv",
            7,
            () => [Numbers(2, 4, 6, 6), Numbers(6, 2, 3, 3), Numbers(6)],
            ("group", 2),
            ("pads", uneven),
            ("strides", two)
        );
        yield return new(
            "Conv with dilation",
            "Conv",
            7,
            () => [Numbers(1, 2, 7, 7), Numbers(3, 2, 3, 3)],
            ("dilations", two),
            ("pads", uneven)
        );
        yield return new(
            "Conv with dilation to the same size",
            "Conv",
            7,
            () => [Numbers(1, 2, 7, 7), Numbers(3, 2, 3, 3)],
            ("dilations", two),
            ("auto_pad", "SAME_LOWER")
        );
        yield return new(
            "Conv of lines",
            "Conv",
            7,
            () => [Numbers(1, 2, 7), Numbers(3, 2, 3)],
            ("auto_pad", "SAME_UPPER")
        );
        yield return new(
            "Conv without padding",
            "Conv",
            7,
            () => [Numbers(1, 2, 7, 7), Numbers(3, 2, 2, 2)],
            ("auto_pad", "VALID")
        );
        yield return new(
            "ConvTranspose",
            "ConvTranspose",
            7,
            () => [Numbers(1, 4, 4, 4), Numbers(4, 2, 3, 3), Numbers(4)],
            ("group", 2),
            ("strides", two),
            ("pads", uneven),
            ("output_padding", new long[] { 1, 0 })
        );
        yield return new(
            "Gemm",
            "Gemm",
            7,
            () => [Numbers(4, 2), Numbers(3, 4), Numbers(3)],
            ("alpha", 0.5f),
            ("beta", 2f),
            ("transA", 1),
            ("transB", 1)
        );
        yield return new("Gemm without bias", "Gemm", 11, () => [Numbers(2, 4), Numbers(4, 3)]);
        yield return new("MatMul", "MatMul", 7, () => [Numbers(2, 1, 3, 4), Numbers(5, 4, 2)]);
        yield return new("MatMul of a line", "MatMul", 7, () => [Numbers(4), Numbers(5, 4, 2)]);
        yield return new(
            "BatchNormalization",
            "BatchNormalization",
            7,
            () => [Numbers(2, 3, 4, 4), .. Channels()],
            ("epsilon", 0.01f)
        );
        yield return new(
            "InstanceNormalization",
            "InstanceNormalization",
            7,
            () => [Numbers(2, 3, 4, 4), .. Channels()[..2]],
            ("epsilon", 0.01f)
        );
        yield return new(
            "GroupNormalization",
            "GroupNormalization",
            21,
            () => [Numbers(2, 4, 3, 3), Numbers(4), Numbers(4)],
            ("num_groups", 2)
        );
        yield return new(
            "LayerNormalization",
            "LayerNormalization",
            17,
            () => [Numbers(2, 3, 4), Numbers(3, 4), Numbers(3, 4)],
            ("axis", 1)
        );
        yield return new(
            "LRN",
            "LRN",
            7,
            () => [Numbers(2, 6, 3, 3)],
            ("size", 3),
            ("alpha", 0.3f),
            ("beta", 0.6f),
            ("bias", 1.5f)
        );
        yield return new("LRN of an even size", "LRN", 7, () => [Numbers(2, 6, 3, 3)], ("size", 4), ("alpha", 0.3f));
        yield return new("LpNormalization", "LpNormalization", 7, () => [Numbers(2, 3, 4)], ("axis", 1), ("p", 1));
        yield return new("LpNormalization in L2", "LpNormalization", 7, () => [Numbers(2, 3, 4)]);
        yield return new(
            "MaxPool",
            "MaxPool",
            7,
            () => [Numbers(2, 3, 7, 7)],
            ("kernel_shape", three),
            ("strides", two),
            ("pads", uneven)
        );
        yield return new(
            "MaxPool rounded up",
            "MaxPool",
            10,
            () => [Numbers(2, 3, 6, 6)],
            ("kernel_shape", three),
            ("strides", two),
            ("ceil_mode", 1)
        );
        yield return new(
            "MaxPool with dilation",
            "MaxPool",
            10,
            () => [Numbers(2, 3, 7, 7)],
            ("kernel_shape", two),
            ("dilations", two)
        );
        yield return new(
            "MaxPool to the same size",
            "MaxPool",
            7,
            () => [Numbers(2, 3, 7, 7)],
            ("kernel_shape", two),
            ("auto_pad", "SAME_LOWER")
        );
        yield return new(
            "AveragePool",
            "AveragePool",
            7,
            () => [Numbers(2, 3, 7, 7)],
            ("kernel_shape", three),
            ("strides", two),
            ("pads", uneven)
        );
        yield return new(
            "AveragePool with padding counted",
            "AveragePool",
            7,
            () => [Numbers(2, 3, 7, 7)],
            ("kernel_shape", three),
            ("pads", uneven),
            ("count_include_pad", 1)
        );
        yield return new(
            "AveragePool rounded up",
            "AveragePool",
            10,
            () => [Numbers(2, 3, 6, 6)],
            ("kernel_shape", three),
            ("strides", two),
            ("ceil_mode", 1)
        );
        yield return new("GlobalAveragePool", "GlobalAveragePool", 7, () => [Numbers(2, 3, 4, 5)]);
        yield return new("GlobalMaxPool", "GlobalMaxPool", 7, () => [Numbers(2, 3, 4, 5)]);
        yield return new(
            "QuantizeLinear",
            "QuantizeLinear",
            10,
            () => [Numbers(2, 3), Number(0.1f), tensor(new byte[] { 100 }, [])]
        );
        yield return new(
            "QuantizeLinear of channels",
            "QuantizeLinear",
            13,
            () => [Numbers(2, 3), Positive(3), tensor(new byte[] { 100, 50, 7 })]
        );
        yield return new(
            "DequantizeLinear",
            "DequantizeLinear",
            10,
            () => [tensor(new byte[] { 1, 200, 7 }), Number(0.1f), tensor(new byte[] { 100 }, [])]
        );
        foreach (string mode in new[] { "nearest", "linear" })
            yield return new(
                $"Upsample, {mode}",
                "Upsample",
                9,
                () => [Numbers(1, 2, 3, 3), Floats(1, 1, 2, 3)],
                ("mode", mode)
            )
            {
                To = 9,
            };
        yield return new(
            "Upsample by attributes",
            "Upsample",
            7,
            () => [Numbers(1, 2, 3, 3)],
            ("scales", new float[] { 1, 1, 2, 2 })
        )
        {
            To = 8,
        };
        yield return new(
            "Resize of old",
            "Resize",
            10,
            () => [Numbers(1, 2, 3, 3), Floats(1, 1, 2, 2)],
            ("mode", "linear")
        )
        {
            To = 10,
        };
        foreach (string mode in new[] { "nearest", "linear", "cubic" })
        {
            // By scales that give no whole size, ONNX's own cases align the corners of the size before it is cut, as
            // Parry does; ONNX Runtime those of the size after: that one difference is left out here.
            foreach (string way in new[] { "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric" })
            {
                yield return new(
                    $"Resize, {mode}, {way}, by sizes",
                    "Resize",
                    13,
                    () => [Numbers(1, 2, 4, 5), null, null, Longs(1, 2, 7, 8)],
                    ("mode", mode),
                    ("coordinate_transformation_mode", way)
                );
                yield return new(
                    $"Resize, {mode}, {way}, by scales",
                    "Resize",
                    13,
                    () =>
                        [
                            Numbers(1, 2, 4, 5),
                            null,
                            Floats(way == "align_corners" ? [1, 1, 0.5f, 2] : [1, 1, 0.6f, 1.7f]),
                        ],
                    ("mode", mode),
                    ("coordinate_transformation_mode", way)
                );
            }
        }

        foreach (string way in new[] { "floor", "ceil", "round_prefer_floor", "round_prefer_ceil" })
            yield return new(
                $"Resize, nearest, {way}",
                "Resize",
                11,
                () => [Numbers(1, 2, 4, 5), Floats(), Floats(1, 1, 2, 2)],
                ("nearest_mode", way)
            );
        yield return new(
            "Resize without what is outside",
            "Resize",
            11,
            () => [Numbers(1, 2, 4, 5), Floats(), Floats(1, 1, 2, 2)],
            ("mode", "cubic"),
            ("exclude_outside", 1),
            ("cubic_coeff_a", -0.5f)
        );
        yield return new(
            "Resize with antialiasing",
            "Resize",
            18,
            () => [Numbers(1, 2, 8, 8), null, Floats(1, 1, 0.5f, 0.5f)],
            ("mode", "linear"),
            ("antialias", 1)
        );
        yield return new(
            "Resize of some axes",
            "Resize",
            18,
            () => [Numbers(1, 2, 4, 5), null, Floats(2, 2)],
            ("mode", "linear"),
            ("axes", new long[] { 2, 3 })
        );
    }
}
