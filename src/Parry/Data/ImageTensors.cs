using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Data;

/// <summary>Converts image sets to tensors.</summary>
public static class ImageTensors
{
    /// <summary>All images, float32 [N, C, H, W] in [0, 1].</summary>
    public static Tensor ImageTensor(this ImageSet set)
    {
        using Tensor bytes = set.ByteTensor();
        return bytes.to(ScalarType.Float32, copy: true).mul_(1 / 255.0);
    }

    /// <summary>All images as bytes [N, C, H, W].</summary>
    public static Tensor ByteTensor(this ImageSet set) =>
        TensorData.FromBytes(
            set.Pixels,
            ScalarType.Byte,
            set.Count,
            set.Shape.Channels,
            set.Shape.Height,
            set.Shape.Width
        );

    /// <summary>All labels, int64 [N].</summary>
    public static Tensor LabelTensor(this ImageSet set) =>
        tensor(Array.ConvertAll(set.Labels.ToArray(), label => (long)label));

    /// <summary>Returns the first images and their labels: this many, or all if there are fewer.</summary>
    public static (Tensor Images, Tensor Labels) First(this ImageSet set, int most) =>
        set.Batch([.. Enumerable.Range(0, Math.Min(most, set.Count))]);

    /// <summary>Returns the images and labels at these indices, in this order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside the set.</exception>
    public static (Tensor Images, Tensor Labels) Batch(this ImageSet set, ReadOnlySpan<int> indices)
    {
        ImageSet batch = set.Select(indices);
        return (batch.ImageTensor(), batch.LabelTensor());
    }
}
