using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>Convolutions over one, two or three dimensions.</summary>
internal static class OnnxConvolution
{
    /// <summary>A convolution.</summary>
    public static Tensor Plain(
        Tensor x,
        Tensor weight,
        Tensor? bias,
        long[] strides,
        long[] padding,
        long[] dilations,
        long groups
    ) =>
        strides.Length switch
        {
            2 when IsGray(x, weight, groups) => GrayConvolution.Apply(x, weight, bias, strides, padding, dilations),
            1 => nn.functional.conv1d(x, weight, bias, strides[0], padding[0], dilations[0], groups),
            2 => nn.functional.conv2d(x, weight, bias, strides, padding, dilations, groups),
            3 => nn.functional.conv3d(x, weight, bias, strides, padding, dilations, groups),
            int other => throw TooMany(other),
        };

    /// <summary>A transposed convolution.</summary>
    public static Tensor Transposed(
        Tensor x,
        Tensor weight,
        Tensor? bias,
        long[] strides,
        long[] padding,
        long[] more,
        long[] dilations,
        long groups
    ) =>
        strides.Length switch
        {
            1 => nn.functional.conv_transpose1d(x, weight, bias, strides[0], padding[0], more[0], dilations[0], groups),
            2 => nn.functional.conv_transpose2d(x, weight, bias, strides, padding, more, dilations, groups),
            3 => nn.functional.conv_transpose3d(x, weight, bias, strides, padding, more, dilations, groups),
            int other => throw TooMany(other),
        };

    private static bool IsGray(Tensor x, Tensor weight, long groups) =>
        GrayConvolution.Pays(x) && groups == 1 && x.shape.Length == 4 && x.size(1) == 1 && weight.size(1) == 1;

    private static InvalidDataException TooMany(int dimensions) =>
        new($"it has a convolution over {dimensions} dimensions; one to three are supported");
}
