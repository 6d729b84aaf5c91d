using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics.X86;
using Parry.Torch;

namespace Parry.Cli.Doctor;

/// <summary>LibTorch and what decides its speed.</summary>
internal static class TorchChecks
{
    /// <summary>The name of the check without which nothing works.</summary>
    public const string LibTorch = "LibTorch";

    private const double SlowGigaflops = 15;
    private static readonly string[] s_fastLibraries = ["openblas", "mkl", "blis", "built into LibTorch"];
    private static readonly string[] s_avx512Kernels = ["SkylakeX", "Cooperlake", "SapphireRapids"];

    /// <summary>Loads LibTorch and looks at it; where that fails, this is the only check.</summary>
    public static IEnumerable<Check> All()
    {
        Version version;
        try
        {
            version = TorchThreads.Version;
        }
        catch (Exception e) when (e is TorchNotFoundException or TorchException or EntryPointNotFoundException)
        {
            return [Check.Missing(LibTorch, "could not be loaded", e.Message)];
        }

        var (library, threads) = TorchThreads.Blas();
        return
        [
            Check.Ok(LibTorch, $"{version}, {LoadedFrom("libtorch_cpu.so")}"),
            Blas(Resolved(library), threads, Avx512F.IsSupported && Avx512DQ.IsSupported && Avx512BW.IsSupported, Environment.GetEnvironmentVariable("OPENBLAS_CORETYPE")),
            Check.Ok("CUDA devices", TorchThreads.CudaDevices is > 0 and int devices ? $"{devices}" : "none; the processor does the work"),
            Convolution(),
        ];
    }

    /// <summary>Judges the library for matrix products.</summary>
    /// <param name="library">Its path, for OpenBLAS with its configuration in parentheses.</param>
    /// <param name="threads">How many threads it would start; 0 when it does not say.</param>
    /// <param name="hasAvx512">Whether the processor has AVX-512.</param>
    /// <param name="coreType">$OPENBLAS_CORETYPE.</param>
    internal static Check Blas(string library, int threads, bool hasAvx512, string? coreType)
    {
        string? advice = null;
        if (!s_fastLibraries.Any(fast => library.Contains(fast, StringComparison.OrdinalIgnoreCase)))
            advice = "this one is slow: apt-get install libopenblas0-pthread, then choose it with update-alternatives --config libblas.so.3-x86_64-linux-gnu";
        else if (library.Contains("SINGLE_THREADED", StringComparison.Ordinal))
            advice = "several threads cannot use this build at once, so Parry runs one worker: apt-get install libopenblas0-pthread";
        else if (threads > 1)
            advice = "it starts threads of its own beside Parry's workers: unset OPENBLAS_NUM_THREADS";
        else if (hasAvx512 && library.Contains("OpenBLAS ", StringComparison.Ordinal) && !s_avx512Kernels.Any(kernel => library.Contains(kernel, StringComparison.OrdinalIgnoreCase)))
            advice = $"it uses older kernels than this processor's AVX-512: {(coreType is null ? "set OPENBLAS_CORETYPE=SkylakeX" : $"unset OPENBLAS_CORETYPE (it is {coreType})")}";
        return Check.Warn("BLAS", $"{library}{(threads > 0 ? $", {threads} {(threads == 1 ? "thread" : "threads")}" : "")}", advice);
    }

    // Channels-last, 64 to 128 channels: the kind of layer in which the time goes.
    private static Check Convolution()
    {
        const int Images = 16, Inputs = 64, Outputs = 128, Side = 14, Kernel = 5;
        const double Operations = 2.0 * Images * Side * Side * Outputs * Inputs * Kernel * Kernel;
        double seconds = double.PositiveInfinity;
        Workers.Shared.Run(1, _ =>
        {
            using var frozen = Autograd.NoGrad();
            using var scope = new TensorScope();
            using var random = new Generator(1);
            Tensor images = Tensor.Normal([Images, Inputs, Side, Side], random).Contiguous(MemoryFormat.ChannelsLast);
            Tensor weights = Tensor.Normal([Outputs, Inputs, Kernel, Kernel], random).Contiguous(MemoryFormat.ChannelsLast);
            var total = Stopwatch.StartNew();
            while (total.Elapsed < TimeSpan.FromSeconds(0.3))
            {
                long start = Stopwatch.GetTimestamp();
                images.Conv2d(weights, null, 1, Kernel / 2).Dispose();
                seconds = Math.Min(seconds, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        });
        double speed = Operations / seconds / 1e9;
        return Check.Warn("convolution", string.Create(CultureInfo.InvariantCulture, $"{speed:0} GFLOP/s on one core, channels-last"),
            speed < SlowGigaflops ? "this is slow: close other programs, or use a processor with AVX2" : null);
    }

    private static string LoadedFrom(string library)
    {
        try
        {
            string? line = File.ReadLines("/proc/self/maps").FirstOrDefault(line => line.Contains('/' + library, StringComparison.Ordinal));
            return line is null ? "built in" : line[line.IndexOf('/', StringComparison.Ordinal)..];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "from an unknown place";
        }
    }

    // The alternatives of Debian are links; where they end says which BLAS it is.
    private static string Resolved(string library)
    {
        string path = library.Split(" (", 2)[0];
        return File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is { } target ? target.FullName + library[path.Length..] : library;
    }
}
