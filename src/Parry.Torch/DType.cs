namespace Parry.Torch;

/// <summary>The element type of a tensor, numbered as LibTorch numbers it (checked when it is loaded).</summary>
public enum DType
{
    /// <summary>8-bit unsigned integer.</summary>
    UInt8 = 0,

    /// <summary>32-bit integer.</summary>
    Int32 = 3,

    /// <summary>64-bit integer; what labels and indices are.</summary>
    Int64 = 4,

    /// <summary>16-bit IEEE float.</summary>
    Float16 = 5,

    /// <summary>32-bit float; what images and weights are.</summary>
    Float32 = 6,

    /// <summary>64-bit float; for gradient checks.</summary>
    Float64 = 7,

    /// <summary>Truth values.</summary>
    Bool = 11,

    /// <summary>The 16-bit float with float32's range.</summary>
    BFloat16 = 15,
}

/// <summary>How the elements of a four-dimensional tensor lie in memory.</summary>
public enum MemoryFormat
{
    /// <summary>Row-major, [N, C, H, W].</summary>
    Contiguous = 0,

    /// <summary>As the input lies.</summary>
    Preserve = 1,

    /// <summary>Channels innermost: the fast layout for convolutions.</summary>
    ChannelsLast = 2,
}
