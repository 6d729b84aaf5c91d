using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Runtime;

/// <summary>
/// The device that models, attacks, purifiers and trainings work on: the processor, or one GPU. The whole process uses
/// one device, chosen before anything is loaded; new tensors and networks are made there.
/// </summary>
public static class Devices
{
    // This is 10,699 images of MNIST or 2,730 of CIFAR-10.
    private const long NumbersForGpu = 1 << 23;

    private static readonly Lazy<bool> s_fastBfloat16 = new(ProcessorHasBfloat16);

    /// <summary>Whether the device is a GPU.</summary>
    public static bool IsGpu => get_default_device().type != DeviceType.CPU;

    /// <summary>
    /// Whether bfloat16 is fast on the device. A CPU without it emulates it, up to 35 times slower than float32.
    /// </summary>
    public static bool HasFastBfloat16 => IsGpu || s_fastBfloat16.Value;

    /// <summary>
    /// The most rows for one call: a given number on a processor, enough to keep the device busy on a GPU.
    /// </summary>
    /// <param name="onProcessor">The number of rows on a CPU.</param>
    /// <param name="numbers">The number of values in a row.</param>
    public static int RowsAtOnce(int onProcessor, long numbers) =>
        IsGpu ? (int)Math.Max(onProcessor, NumbersForGpu / numbers) : onProcessor;

    /// <summary>Chooses the device by name: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    /// <exception cref="UserErrorException">There is no such device.</exception>
    public static void Use(string name)
    {
        TorchLibrary.Load();
        set_default_device(TorchLibrary.Device(name));
    }

    /// <summary>Creates a random generator. It draws on the processor; see <see cref="RandomNumbers"/>.</summary>
    public static Generator Generator(long seed) => new((ulong)seed);

    /// <summary>
    /// Computes in full float32 until disposed, for results that are reported. On a GPU, LibTorch rounds the factors of
    /// convolutions to 10 bits (TensorFloat-32), which is good enough for the steps of an attack. Has no effect on a
    /// CPU.
    /// </summary>
    public static IDisposable? FullFloat32() => IsGpu ? new TensorFloat32Off() : null;

    private static bool ProcessorHasBfloat16()
    {
        const string Description = "/proc/cpuinfo";
        if (!OperatingSystem.IsLinux() || !File.Exists(Description))
            return false;
        string? flags = File.ReadLines(Description)
            .FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal));
        return flags is not null && flags.Split(' ').Any(flag => flag is "avx512_bf16" or "amx_bf16");
    }

    private sealed class TensorFloat32Off : IDisposable
    {
        private readonly bool _before = backends.cudnn.allow_tf32;

        public TensorFloat32Off() => backends.cudnn.allow_tf32 = false;

        public void Dispose() => backends.cudnn.allow_tf32 = _before;
    }
}
