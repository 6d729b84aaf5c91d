using Parry.Torch;

namespace Parry.Data;

/// <summary>Image sets as tensors.</summary>
public static class ImageTensors
{
    /// <summary>All images, float32 [N, C, H, W] in [0, 1].</summary>
    public static Tensor ToTensor(this ImageSet set)
    {
        using var scope = new TensorScope();
        return scope.Keep(set.ToByteTensor().To(DType.Float32).Div(255));
    }

    /// <summary>All images as bytes [N, C, H, W].</summary>
    public static Tensor ToByteTensor(this ImageSet set) =>
        Tensor.FromBytes(set.Pixels, DType.UInt8, set.Count, set.Shape.Channels, set.Shape.Height, set.Shape.Width);

    /// <summary>All labels, [N] int64.</summary>
    public static Tensor LabelTensor(this ImageSet set)
    {
        var labels = new long[set.Count];
        for (int i = 0; i < labels.Length; i++) labels[i] = set.Labels[i];
        return Tensor.From(labels);
    }
}
