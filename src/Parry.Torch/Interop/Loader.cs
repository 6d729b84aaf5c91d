using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Parry.Torch.Interop;

/// <summary>Loads libparry_torch once, with the C environment set before LibTorch reads it.</summary>
internal static unsafe partial class Loader
{
    private const int TrimThreshold = -1, MmapThreshold = -3, ArenaMax = -8;

    private static readonly Lazy<NativeInfo> s_info = new(Load, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>Loads LibTorch if nothing has yet, and says what was found.</summary>
    internal static ref readonly NativeInfo Info
    {
        get
        {
            _ = s_info.Value;
            return ref s_loaded;
        }
    }

    private static NativeInfo s_loaded;

    private static NativeInfo Load()
    {
        // C reads these at load time and does not see Environment.SetEnvironmentVariable. One thread per worker is the
        // plan; UCX (in some LibTorch builds) would otherwise take over the signal .NET needs for null references.
        SetEnvironment("OMP_NUM_THREADS", "1");
        SetEnvironment("OPENBLAS_NUM_THREADS", "1");
        SetEnvironment("OMP_WAIT_POLICY", "passive");
        SetEnvironment("UCX_ERROR_SIGNALS", "");
        // OpenBLAS takes processors newer than itself for old ones; with AVX-512 this doubles the speed of its products.
        if (Avx512F.IsSupported && Avx512DQ.IsSupported && Avx512BW.IsSupported) SetEnvironment("OPENBLAS_CORETYPE", "SkylakeX");

        // The C library gives freed tensors back to the system at once, and zeroing fresh pages then costs several times what a
        // convolution does. Keep them: one arena for all threads, large blocks from the heap, and no trimming.
        _ = mallopt(ArenaMax, 1);
        _ = mallopt(MmapThreshold, 1 << 30);
        _ = mallopt(TrimThreshold, int.MaxValue);

        NativeLibrary.SetDllImportResolver(typeof(Loader).Assembly, Resolve);
        NativeError error = default;
        Check(NativeMethods.parry_load_cuda(&error), error, "load LibTorch's CUDA library");
        NativeInfo info = new() { Size = sizeof(NativeInfo) };
        Check(NativeMethods.parry_info(&info, &error), error, "ask LibTorch what it is");
        bool agrees = info.ValueSize == sizeof(NativeValue)
            && info.Float == (int)DType.Float32 && info.Double == (int)DType.Float64 && info.Half == (int)DType.Float16
            && info.BFloat16 == (int)DType.BFloat16 && info.Long == (int)DType.Int64 && info.Bool == (int)DType.Bool
            && info.Byte == (int)DType.UInt8 && info.Int == (int)DType.Int32
            && info.ChannelsLast == (int)MemoryFormat.ChannelsLast && info.Cuda == (int)DeviceType.Cuda;
        if (!agrees)
        {
            throw new TorchException(ErrorKind.Other,
                $"LibTorch {info.VersionMajor}.{info.VersionMinor} numbers its types otherwise than Parry expects; build Parry against this LibTorch again.");
        }

        s_loaded = info;
        return info;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != NativeMethods.Library) return 0;
        string file = Path.Combine(AppContext.BaseDirectory, "libparry_torch.so");
        try
        {
            return NativeLibrary.Load(file);
        }
        catch (DllNotFoundException e)
        {
            string reason = e.Message.Split('\n').FirstOrDefault(line => line.Contains(".so", StringComparison.Ordinal))?.Trim() ?? e.Message;
            throw new TorchNotFoundException(
                $"LibTorch could not be loaded through '{file}' ({reason}): run ./setup.sh, or install Debian's libtorch-dev, or point LIBTORCH at an unpacked LibTorch 1.13 or newer and build again.", e);
        }
    }

    /// <summary>Throws what a native call reported; <paramref name="doing"/> completes "cannot …".</summary>
    internal static void Check(int kind, NativeError error, string doing)
    {
        if (kind != 0) throw TorchException.From(kind, error, $"Cannot {doing}: ");
    }

    private static void SetEnvironment(string name, string value) => setenv(name, value, 0);

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
