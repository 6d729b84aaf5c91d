using static TorchSharp.torch;

namespace Parry;

/// <summary>Reduces [N, C, H, W] over each image, to [N], or to [N, 1, 1, 1] to combine with images.</summary>
public static class PerImage
{
    private static readonly long[] s_image = [1, 2, 3];

    /// <summary>The sum of each image's values.</summary>
    public static Tensor SumPerImage(this Tensor values, bool keepdim = false) => values.sum(s_image, keepdim);

    /// <summary>The mean of each image's values.</summary>
    public static Tensor MeanPerImage(this Tensor values, bool keepdim = false) => values.mean(s_image, keepdim);

    /// <summary>The largest of each image's values.</summary>
    public static Tensor MaxPerImage(this Tensor values, bool keepdim = false) => values.amax(s_image, keepdim);

    /// <summary>The Euclidean length of each image's values.</summary>
    public static Tensor LengthPerImage(this Tensor values, bool keepdim = false) =>
        linalg.vector_norm(values, 2, s_image, keepdim);
}
