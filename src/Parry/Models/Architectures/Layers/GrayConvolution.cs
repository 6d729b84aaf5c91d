using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>
/// A convolution over images of one channel. LibTorch's kernels work on many channels at once, so for one channel the
/// gradient with respect to the image costs more than the rest of a small network; as a product with the image's
/// patches it costs up to a third less. If that gradient is not needed, the ordinary convolution is faster and is used.
/// </summary>
internal sealed class GrayConvolution : Network
{
    private readonly Conv2d _layer;

    /// <summary>Takes over a convolution with one input channel and its weights.</summary>
    public GrayConvolution(Conv2d layer)
    {
        _layer = layer;
        register_parameter("weight", layer.weight);
        if (layer.bias is { } bias)
            register_parameter("bias", bias);
    }

    /// <summary>[N, 1, H, W] to [N, outputs, h, w] with channels innermost.</summary>
    public override Tensor forward(Tensor input)
    {
        if (!Pays(input))
            return _layer.forward(input);
        long stride = _layer.stride![0];
        long padding = _layer.padding![0];
        return Apply(input, _layer.weight, _layer.bias, [stride, stride], [padding, padding], dilations: [1, 1]);
    }

    /// <summary>
    /// Whether <see cref="Apply"/> is faster for images of one channel, as is the case for gradients on a processor.
    /// </summary>
    public static bool Pays(Tensor input) => input.requires_grad && !Devices.IsGpu;

    /// <summary>Computes the convolution as a product with the image's patches.</summary>
    /// <param name="input">[N, 1, H, W].</param>
    /// <param name="weight">[outputs, 1, kernel height, kernel width].</param>
    /// <param name="bias">[outputs].</param>
    /// <param name="strides">Down and right.</param>
    /// <param name="padding">Above and below, left and right.</param>
    /// <param name="dilations">Down and right.</param>
    /// <returns>[N, outputs, h, w] with channels innermost.</returns>
    public static Tensor Apply(
        Tensor input,
        Tensor weight,
        Tensor? bias,
        long[] strides,
        long[] padding,
        long[] dilations
    )
    {
        long outputs = weight.size(0);
        long down = weight.size(2);
        long right = weight.size(3);
        long height = Places(input.size(2), down, strides[0], padding[0], dilations[0]);
        long width = Places(input.size(3), right, strides[1], padding[1], dilations[1]);
        using var scope = NewDisposeScope();
        Tensor patches = nn
            .functional.unfold(
                input,
                (down, right),
                (dilations[0], dilations[1]),
                (padding[0], padding[1]),
                (strides[0], strides[1])
            )
            .transpose(1, 2);
        Tensor rows = nn.functional.linear(patches, weight.reshape(outputs, -1), bias);
        return scope.MoveToOuter(rows.reshape(input.size(0), height, width, outputs).permute(0, 3, 1, 2));
    }

    /// <inheritdoc/>
    public override string ToString() => LayerText.Of(_layer);

    private static long Places(long size, long kernel, long stride, long padding, long dilation) =>
        ((size + (2 * padding) - (dilation * (kernel - 1)) - 1) / stride) + 1;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _layer.Dispose();
        base.Dispose(disposing);
    }
}
