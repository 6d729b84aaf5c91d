namespace Parry.Models;

/// <summary>The order of a model's color channels.</summary>
public enum ChannelOrder
{
    /// <summary>Red, green, blue: PyTorch, TensorFlow.</summary>
    Rgb,

    /// <summary>Blue, green, red: Caffe, OpenCV.</summary>
    Bgr,
}
