using System.Runtime.InteropServices;
using Parry.Torch.Interop;

namespace Parry.Torch;

/// <summary>LibTorch's own (intra-operator) threads, and what it was built with.</summary>
public static unsafe class TorchThreads
{
    /// <summary>Sets how many threads one operator may use when called from this thread.</summary>
    public static void Set(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Call(count);
    }

    /// <summary>How many threads one operator may use when called from this thread.</summary>
    public static int Get() => Call(0);

    /// <summary>LibTorch's version.</summary>
    public static Version Version
    {
        get
        {
            ref readonly NativeInfo info = ref Loader.Info;
            return new Version(info.VersionMajor, info.VersionMinor, info.VersionPatch);
        }
    }

    /// <summary>How many CUDA devices LibTorch sees.</summary>
    public static int CudaDevices => Loader.Info.CudaDevices;

    /// <summary>The library that does matrix products, and how many threads it would start (0 when it does not say).</summary>
    public static (string Library, int Threads) Blas()
    {
        _ = Loader.Info;
        byte* text = stackalloc byte[512];
        int threads;
        NativeError error = default;
        Loader.Check(NativeMethods.parry_blas(text, 512, &threads, &error), error, "ask which BLAS is loaded");
        return (Marshal.PtrToStringUTF8((nint)text)!, threads);
    }

    /// <summary>Whether several threads may multiply matrices at once: not with an OpenBLAS that was built for one thread.</summary>
    public static bool BlasIsThreadSafe => !Blas().Library.Contains("SINGLE_THREADED", StringComparison.Ordinal);

    private static int Call(int set)
    {
        _ = Loader.Info;
        int now;
        NativeError error = default;
        Loader.Check(NativeMethods.parry_threads(set, &now, &error), error, "set the number of threads");
        return now;
    }
}
