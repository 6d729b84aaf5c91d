namespace Parry.Torch;

/// <summary>
/// The gradients of a convolution, called directly. A transposed convolution is the input gradient of a convolution, and
/// computed so it is several times faster than <see cref="Tensor.ConvTranspose2d"/>.
/// </summary>
public static class Convolution
{
    private static readonly Operator s_backward = new("convolution_backward");
    private static readonly long[] s_none = [0, 0];
    private static readonly long[] s_one = [1, 1];

    /// <summary>The gradient of a convolution with respect to its input.</summary>
    /// <param name="gradient">With respect to the convolution's output, [N, out, h, w].</param>
    /// <param name="input">Any tensor of the input's shape [N, in, H, W]; its elements are not read.</param>
    /// <param name="weight">[out, in, kh, kw].</param>
    /// <param name="stride">The convolution's stride.</param>
    /// <param name="padding">The convolution's padding.</param>
    public static Tensor InputGradient(Tensor gradient, Tensor input, Tensor weight, long stride, long padding) =>
        Backward(gradient, input, weight, stride, padding, Value.Flags(true, false, false))[0]!;

    /// <summary>The gradient of a convolution with respect to its weights, [out, in, kh, kw].</summary>
    /// <param name="gradient">With respect to the convolution's output, [N, out, h, w].</param>
    /// <param name="input">The convolution's input, [N, in, H, W].</param>
    /// <param name="weight">Any tensor of the weights' shape; its elements are not read.</param>
    /// <param name="stride">The convolution's stride.</param>
    /// <param name="padding">The convolution's padding.</param>
    public static Tensor WeightGradient(Tensor gradient, Tensor input, Tensor weight, long stride, long padding) =>
        Backward(gradient, input, weight, stride, padding, Value.Flags(false, true, false))[1]!;

    private static Tensor?[] Backward(Tensor gradient, Tensor input, Tensor weight, long stride, long padding, Value wanted) =>
        s_backward.CallMany(gradient, input, weight, Value.None, new[] { stride, stride }, new[] { padding, padding }, s_one, false, s_none, 1, wanted);
}
