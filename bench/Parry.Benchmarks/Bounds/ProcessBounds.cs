using System.Diagnostics;

namespace Parry.Benchmarks.Bounds;

/// <summary>The program as a user starts it: how long, and how much memory.</summary>
internal static class ProcessBounds
{
    /// <summary>Start-up, and the demo with everything installed.</summary>
    public static IEnumerable<Measurement> Rows() => Help().Concat(Demo());

    // Start-up, and whether it touches LibTorch.
    private static IEnumerable<Measurement> Help()
    {
        Run(["--help"]);
        var runs = Enumerable.Range(0, 5).Select(_ => Run(["--help"])).ToArray();
        yield return Measurement.AtMost("parry --help (best of 5)", runs.Min(run => run.Seconds), "seconds", 0.3);
        yield return Measurement.AtMost(
            "libraries of LibTorch that parry --help loads",
            runs.Max(run => run.TorchLibraries),
            "files",
            0
        );
    }

    private static IEnumerable<Measurement> Demo()
    {
        string folder = Directory.CreateTempSubdirectory("parry-demo-").FullName;
        try
        {
            var run = Run(["demo", "--out", folder]);
            if (run.ExitCode != 0)
            {
                yield return Measurement.Absent("parry demo", $"it ended with exit code {run.ExitCode}", "<= 90");
                yield break;
            }

            yield return Measurement.AtMost("parry demo", run.Seconds, "seconds", 90);
            yield return Measurement.AtMost("parry demo, peak memory", run.PeakMebibytes, "MiB", 1536);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (double Seconds, double PeakMebibytes, int TorchLibraries, int ExitCode) Run(string[] arguments)
    {
        ProcessStartInfo start = ParryProgram.With(arguments);
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        long began = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        long peak = 0;
        int libraries = 0;
        while (!process.WaitForExit(20))
        {
            peak = Math.Max(peak, PeakKilobytes(process.Id));
            libraries = Math.Max(libraries, TorchLibraries(process.Id));
        }

        return (Stopwatch.GetElapsedTime(began).TotalSeconds, peak / 1024.0, libraries, process.ExitCode);
    }

    private static long PeakKilobytes(int id)
    {
        string? line = Lines($"/proc/{id}/status")
            .FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return line is null
            ? 0
            : long.Parse(
                line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
                System.Globalization.CultureInfo.InvariantCulture
            );
    }

    private static int TorchLibraries(int id) =>
        Lines($"/proc/{id}/maps")
            .Where(line => line.Contains("libtorch", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[^1])
            .Distinct()
            .Count();

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (IOException)
        {
            return []; // the process has ended
        }
    }
}
