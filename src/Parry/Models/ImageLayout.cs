namespace Parry.Models;

/// <summary>The order of the dimensions of a model's images.</summary>
public enum ImageLayout
{
    /// <summary>[N, C, H, W], as PyTorch has them.</summary>
    Nchw,

    /// <summary>[N, H, W, C], as TensorFlow has them.</summary>
    Nhwc,
}
