using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// A convolution over images of one channel. LibTorch's kernels work on many channels at once, so for one channel the gradient with respect to the image costs more than all the
/// rest of a small network; as a product with the image's patches it costs up to a third less. Without that gradient the ordinary convolution is faster, and is used.
/// </summary>
internal sealed class GrayConvolution : Network
{
    private readonly Conv2d _layer;

    /// <summary>Takes over a convolution of one input channel, with its weights.</summary>
    public GrayConvolution(Conv2d layer)
    {
        _layer = layer;
        register_parameter("weight", layer.weight);
        if (layer.bias is { } bias) register_parameter("bias", bias);
    }

    /// <summary>[N, 1, H, W] to [N, outputs, h, w] with channels innermost.</summary>
    public override Tensor forward(Tensor input)
    {
        if (!input.requires_grad) return _layer.forward(input);
        long outputs = _layer.out_channels, kernel = _layer.kernel_size![0], stride = _layer.stride![0], padding = _layer.padding![0];
        long height = ((input.size(2) + (2 * padding) - kernel) / stride) + 1;
        long width = ((input.size(3) + (2 * padding) - kernel) / stride) + 1;
        using var scope = NewDisposeScope();
        Tensor patches = nn.functional.unfold(input, kernel, 1, padding, stride).transpose(1, 2);
        Tensor rows = nn.functional.linear(patches, _layer.weight.reshape(outputs, -1), _layer.bias);
        return scope.MoveToOuter(rows.reshape(input.size(0), height, width, outputs).permute(0, 3, 1, 2));
    }

    /// <inheritdoc/>
    public override string ToString() => LayerText.Of(_layer);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _layer.Dispose();
        base.Dispose(disposing);
    }
}
