namespace Parry.Torch;

/// <summary>
/// The gradients of a convolution, called directly. A transposed convolution is the input gradient of a convolution, and
/// computed so it is several times faster than <see cref="Tensor.ConvTranspose2d"/>.
/// </summary>
public static class Convolution
{
    private static readonly Operator s_backward = new("convolution_backward");
    private static readonly Operator s_fold = new("col2im");
    private const int FewChannels = 4;
    private static readonly long[] s_none = [0, 0];
    private static readonly long[] s_one = [1, 1];

    /// <summary>The gradient of a convolution with respect to its input.</summary>
    /// <param name="gradient">With respect to the convolution's output, [N, out, h, w].</param>
    /// <param name="input">Any tensor of the input's shape [N, in, H, W]; its elements are not read.</param>
    /// <param name="weight">[out, in, kh, kw].</param>
    /// <param name="stride">The convolution's stride.</param>
    /// <param name="padding">The convolution's padding.</param>
    public static Tensor InputGradient(Tensor gradient, Tensor input, Tensor weight, long stride, long padding) =>
        weight.Size(1) <= FewChannels
            ? FoldColumns(gradient, input, weight, stride, padding)
            : Backward(gradient, input, weight, stride, padding, Value.Flags(true, false, false))[0]!;

    /// <summary>The gradient of a convolution with respect to its weights, [out, in, kh, kw].</summary>
    /// <param name="gradient">With respect to the convolution's output, [N, out, h, w].</param>
    /// <param name="input">The convolution's input, [N, in, H, W].</param>
    /// <param name="weight">Any tensor of the weights' shape; its elements are not read.</param>
    /// <param name="stride">The convolution's stride.</param>
    /// <param name="padding">The convolution's padding.</param>
    public static Tensor WeightGradient(Tensor gradient, Tensor input, Tensor weight, long stride, long padding) =>
        Backward(gradient, input, weight, stride, padding, Value.Flags(false, true, false))[1]!;

    // The kernels of LibTorch work on 16 channels at once; for an image of one or three, a matrix product and a fold are several times faster.
    private static Tensor FoldColumns(Tensor gradient, Tensor input, Tensor weight, long stride, long padding)
    {
        long count = gradient.Size(0), positions = gradient.Size(2) * gradient.Size(3), window = weight.Size(1) * weight.Size(2) * weight.Size(3);
        Tensor rows = gradient.Permute(0, 2, 3, 1).Reshape(count * positions, gradient.Size(1));
        Tensor columns = rows.MatMul(weight.Contiguous().Reshape(weight.Size(0), window)).Reshape(count, positions, window).Transpose(1, 2);
        return s_fold.Call(columns, new[] { input.Size(2), input.Size(3) }, new[] { weight.Size(2), weight.Size(3) }, s_one,
            new[] { padding, padding }, new[] { stride, stride });
    }

    private static Tensor?[] Backward(Tensor gradient, Tensor input, Tensor weight, long stride, long padding, Value wanted) =>
        s_backward.CallMany(gradient, input, weight, Value.None, new[] { stride, stride }, new[] { padding, padding }, s_one, false, s_none, 1, wanted);
}
