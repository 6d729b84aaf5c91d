namespace Parry.Torch.Nn;

/// <summary>A convolution with a square kernel, zero-padded by the same amount on all sides.</summary>
public sealed class Conv2d : Module
{
    private readonly long _stride;
    private readonly long _padding;
    private readonly long _dilation;
    private readonly long _groups;

    /// <summary>Creates the layer with PyTorch's default weights. Groups of channels see only each other; as many groups as inputs make it depthwise.</summary>
    public Conv2d(long inputs, long outputs, long kernel, Generator random, long stride = 1, long padding = 0, long dilation = 1, bool bias = true, long groups = 1)
    {
        _stride = stride;
        _padding = padding;
        _dilation = dilation;
        _groups = groups;
        Weight = Parameter("weight", Tensor.Empty([outputs, inputs / groups, kernel, kernel]));
        if (bias) Bias = Parameter("bias", Tensor.Empty([outputs]));
        Init.Default(Weight, Bias, random);
    }

    /// <summary>[outputs, inputs / groups, kernel, kernel].</summary>
    public Tensor Weight { get; }

    /// <summary>[outputs], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>[N, inputs, H, W] to [N, outputs, h, w], h = (H + 2·padding - dilation·(kernel - 1) - 1) / stride + 1.</summary>
    public override Tensor Forward(Tensor input) => Forward(input, Weight);

    /// <summary>The same with another weight in place of its own, which a wrapper made of it.</summary>
    public Tensor Forward(Tensor input, Tensor weight) => input.Conv2d(weight, Bias, _stride, _padding, _dilation, _groups);

    /// <inheritdoc/>
    public override string ToString() =>
        $"Conv2d({Weight.Size(1) * _groups}, {Weight.Size(0)}, kernel {Weight.Size(2)}, stride {_stride}"
        + $"{(_padding == 0 ? "" : $", padding {_padding}")}{(_dilation == 1 ? "" : $", dilation {_dilation}")}{(_groups == 1 ? "" : $", groups {_groups}")})";
}
