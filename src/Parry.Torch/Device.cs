namespace Parry.Torch;

/// <summary>The kind of device a tensor lives on, numbered as LibTorch numbers it.</summary>
public enum DeviceType
{
    /// <summary>The processor.</summary>
    Cpu = 0,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda = 1,
}

/// <summary>A device: the processor, or one GPU.</summary>
public readonly record struct Device(DeviceType Type, int Index)
{
    /// <summary>The processor.</summary>
    public static Device Cpu => new(DeviceType.Cpu, -1);

    /// <summary>The GPU of that number.</summary>
    public static Device Cuda(int index = 0) => new(DeviceType.Cuda, index);

    internal long Code => ((long)Type << 8) | (byte)(sbyte)Index;

    internal static Device FromCode(long code) => new((DeviceType)(code >> 8), (sbyte)(code & 0xff));

    /// <inheritdoc/>
    public override string ToString() => Type == DeviceType.Cpu ? "cpu" : $"cuda:{Index}";
}
