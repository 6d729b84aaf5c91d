namespace Parry.Torch.Nn;

/// <summary>A transposed convolution with a square kernel: what a convolution of the same settings does to gradients.</summary>
public sealed class ConvTranspose2d : Module
{
    private readonly long _stride;
    private readonly long _padding;
    private readonly long _outputPadding;

    /// <summary>Creates the layer with PyTorch's default weights.</summary>
    public ConvTranspose2d(long inputs, long outputs, long kernel, Generator random, long stride = 1, long padding = 0, long outputPadding = 0, bool bias = true)
    {
        _stride = stride;
        _padding = padding;
        _outputPadding = outputPadding;
        Weight = Parameter("weight", Tensor.Empty([inputs, outputs, kernel, kernel]));
        if (bias) Bias = Parameter("bias", Tensor.Empty([outputs]));
        Init.Default(Weight, Bias, random);
    }

    /// <summary>[inputs, outputs, kernel, kernel].</summary>
    public Tensor Weight { get; }

    /// <summary>[outputs], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>[N, inputs, h, w] to [N, outputs, H, W], H = (h - 1)·stride - 2·padding + kernel + output padding.</summary>
    public override Tensor Forward(Tensor input) => input.ConvTranspose2d(Weight, Bias, _stride, _padding, _outputPadding);

    /// <inheritdoc/>
    public override string ToString() =>
        $"ConvTranspose2d({Weight.Size(0)}, {Weight.Size(1)}, kernel {Weight.Size(2)}, stride {_stride}"
        + $"{(_padding == 0 ? "" : $", padding {_padding}")}{(_outputPadding == 0 ? "" : $", output padding {_outputPadding}")})";
}
