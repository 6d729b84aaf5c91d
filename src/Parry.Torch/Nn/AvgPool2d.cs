namespace Parry.Torch.Nn;

/// <summary>The mean of each square window.</summary>
/// <param name="kernel">The window's height and width.</param>
/// <param name="stride">From one window to the next; as large as the window if not given.</param>
public sealed class AvgPool2d(long kernel, long? stride = null) : Module
{
    private readonly long _stride = stride ?? kernel;

    /// <summary>[N, C, H, W] to [N, C, h, w], h = (H - kernel) / stride + 1.</summary>
    public override Tensor Forward(Tensor input) => input.AvgPool2d(kernel, _stride);

    /// <inheritdoc/>
    public override string ToString() => $"AvgPool2d(kernel {kernel}, stride {_stride})";
}
