using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>Reduces [N, C, H, W] over each image, to [N, 1, 1, 1].</summary>
public static class PerImage
{
    private static readonly long[] s_image = [1, 2, 3];

    /// <summary>The sum of each image's values.</summary>
    public static Tensor SumPerImage(this Tensor values) => values.sum(s_image, true);

    /// <summary>The mean of each image's values.</summary>
    public static Tensor MeanPerImage(this Tensor values) => values.mean(s_image, true);

    /// <summary>The largest of each image's values.</summary>
    public static Tensor MaxPerImage(this Tensor values) => values.amax(s_image, true);
}
