using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// TI, translation invariance (Dong, Pang, Su, Zhu, 2019, 1904.02884): gradients are blurred, which nearly gives the
/// gradient of the mean loss over shifted copies of the image. The kernel is Gaussian and sums to 1; as in the authors'
/// code it ends at three standard deviations.
/// </summary>
public static class TranslationInvariance
{
    private const double Deviations = 3;

    /// <summary>The blurred gradient.</summary>
    /// <param name="gradientAt">The gradient at the image.</param>
    /// <param name="size">The side of the kernel, an odd number.</param>
    public static GradientAt Of(GradientAt gradientAt, int size) =>
        (points, random) => Blur(gradientAt(points, random), size);

    /// <summary>The kernel, [size, size].</summary>
    /// <param name="size">Its side, an odd number.</param>
    public static Tensor Kernel(int size)
    {
        int radius = size / 2;
        double deviation = Math.Max(radius, 1) / Deviations;
        float[] line =
        [
            .. Enumerable.Range(-radius, size).Select(x => (float)Math.Exp(-x * x / (2 * deviation * deviation))),
        ];
        Tensor bell = tensor(line) / line.Sum();
        return bell.unsqueeze(1) * bell.unsqueeze(0);
    }

    /// <summary>Each channel convolved with the kernel; beyond the edges are zeros.</summary>
    /// <param name="gradient">[N, C, H, W].</param>
    /// <param name="size">The side of the kernel, an odd number.</param>
    public static Tensor Blur(Tensor gradient, int size)
    {
        Tensor channels = gradient.flatten(0, 1).unsqueeze(1);
        Tensor kernel = Kernel(size).reshape(1, 1, size, size);
        return nn.functional.conv2d(channels, kernel, padding: [size / 2, size / 2]).reshape(gradient.shape);
    }
}
