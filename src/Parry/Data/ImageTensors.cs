using Parry.Torch;

namespace Parry.Data;

/// <summary>Image sets as tensors: images float32 [N, C, H, W] in [0, 1], labels int64 [N].</summary>
public static class ImageTensors
{
    /// <summary>All images.</summary>
    public static Tensor ImageTensor(this ImageSet set) => Scale(set.Pixels, set.Count, set.Shape);

    /// <summary>All labels.</summary>
    public static Tensor LabelTensor(this ImageSet set) => Tensor.From(Array.ConvertAll(set.Labels.ToArray(), label => (long)label));

    /// <summary>The images and labels at these indices, in their order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index lies outside the set.</exception>
    public static (Tensor Images, Tensor Labels) Batch(this ImageSet set, ReadOnlySpan<int> indices)
    {
        int pixels = set.Shape.Pixels;
        var bytes = GC.AllocateUninitializedArray<byte>(indices.Length * pixels);
        var labels = new long[indices.Length];
        for (int i = 0; i < indices.Length; i++)
        {
            set.Image(indices[i]).CopyTo(bytes.AsSpan(i * pixels));
            labels[i] = set.Labels[indices[i]];
        }

        return (Scale(bytes, indices.Length, set.Shape), Tensor.From(labels));
    }

    private static Tensor Scale(ReadOnlySpan<byte> bytes, int count, ImageShape shape)
    {
        using Tensor raw = Tensor.FromBytes(bytes, DType.UInt8, count, shape.Channels, shape.Height, shape.Width);
        return raw.CopyTo(DType.Float32).MulInPlace(1 / 255.0);
    }
}
