namespace Parry.Models;

/// <summary>The order of the dimensions of a model's images.</summary>
public enum ImageLayout
{
    /// <summary>[N, C, H, W], as in PyTorch.</summary>
    Nchw,

    /// <summary>[N, H, W, C], as in TensorFlow.</summary>
    Nhwc,
}
