using System.Diagnostics;
using System.Runtime.InteropServices;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Doctor;

/// <summary>Checks of LibTorch and of its speed.</summary>
internal static class TorchChecks
{
    /// <summary>The name of the check without which nothing works.</summary>
    public const string LibTorch = "LibTorch";

    private const double SlowGigaflops = 15;

    /// <summary>Loads LibTorch and checks it; if it cannot be loaded, this is the only check.</summary>
    public static IEnumerable<Check> All()
    {
        try
        {
            TorchLibrary.Load();
        }
        catch (Exception e) when (e is TorchNotFoundException or ExternalException or EntryPointNotFoundException)
        {
            return [Check.Missing(LibTorch, "could not be loaded", e.Message)];
        }

        return
        [
            Check.Ok(LibTorch, $"{TorchLibrary.Version}, {TorchLibrary.Way} ({TorchLibrary.Folder})"),
            TorchLibrary.KeepsScalarsAlive
                ? Check.Ok("TorchSharp", "numbers live through calls of operators")
                : Check.Warn(
                    "TorchSharp",
                    "the garbage collector may free numbers that LibTorch still reads",
                    "build with ./parry, or run torchsharp.sh on TorchSharp.dll"
                ),
            TorchLibrary.UsesOneDnn
                ? Check.Ok("oneDNN", "convolutions are right on this processor")
                : Check.Warn(
                    "oneDNN",
                    "switched off: its convolutions are wrong on this processor; all is slower",
                    "run this again with ONEDNN_MAX_CPU_ISA=SSE41 in the environment: if they are right with it, keep "
                        + "it, and convolutions take half as long"
                ),
            Check.Ok("threads", $"{Workers.Shared.Count} workers with one LibTorch thread each"),
            Check.Ok(
                "CUDA devices",
                TorchLibrary.CudaDevices is > 0 and int devices ? $"{devices}" : $"none; the CPU is used{OfPython()}"
            ),
            Gradient(),
            Convolution(),
        ];
    }

    // If Python has PyTorch, its LibTorch may support a GPU.
    private static string OfPython()
    {
        const string Question =
            "import os, torch; print(os.path.join(os.path.dirname(torch.__file__), 'lib') if torch.version.cuda "
            + "else '')";
        try
        {
            var start = new ProcessStartInfo("python3", ["-c", Question])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process python = Process.Start(start)!;
            Task<string> said = python.StandardOutput.ReadToEndAsync();
            _ = python.StandardError.ReadToEndAsync();
            if (!python.WaitForExit(TimeSpan.FromSeconds(10)))
            {
                python.Kill(entireProcessTree: true);
                return "";
            }

            string folder = said.Result.Trim();
            return python.ExitCode == 0 && Directory.Exists(folder)
                ? $" ({TorchLibrary.FolderVariable}={folder} would use PyTorch's LibTorch, with CUDA)"
                : "";
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return "";
        }
    }

    // The derivative of the sum of squares is known.
    private static Check Gradient()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new[] { 1f, -2f, 3f }).requires_grad_();
        Tensor gradient = Autograd.Grad((x * x).sum(), x);
        bool right = gradient.ToArray<float>().SequenceEqual([2f, -4f, 6f]);
        return right
            ? Check.Ok("gradient", "correct")
            : Check.Missing(
                "gradient",
                "is wrong",
                "LibTorch differentiates the sum of squares wrongly: use the LibTorch that Parry was built for"
            );
    }

    // Channels-last, 64 to 128 channels: the kind of layer that takes most of the time.
    private static Check Convolution()
    {
        const int Images = 16;
        const int Inputs = 64;
        const int Outputs = 128;
        const int Side = 14;
        const int Kernel = 5;
        const double Operations = 2.0 * Images * Side * Side * Outputs * Inputs * Kernel * Kernel;
        double seconds = double.PositiveInfinity;
        Workers.Shared.Run(
            1,
            _ =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                using var random = Devices.Generator(1);
                Tensor images = ChannelsLast.Of(random.Normal(Images, Inputs, Side, Side));
                Tensor weights = ChannelsLast.Of(random.Normal(Outputs, Inputs, Kernel, Kernel));
                var total = Stopwatch.StartNew();
                while (total.Elapsed < TimeSpan.FromSeconds(0.3))
                {
                    long start = Stopwatch.GetTimestamp();
                    nn.functional.conv2d(images, weights, null, strides: [1, 1], padding: [Kernel / 2, Kernel / 2])
                        .Dispose();
                    seconds = Math.Min(seconds, Stopwatch.GetElapsedTime(start).TotalSeconds);
                }
            }
        );
        double speed = Operations / seconds / 1e9;
        return Check.Warn(
            "convolution",
            $"{speed:0} GFLOP/s on one core, channels-last",
            speed < SlowGigaflops ? "this is slow: close other programs, or use a processor with AVX2" : null
        );
    }
}
