using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Parry.Torture;

/// <summary>A finished run of the program.</summary>
/// <param name="Code">Its exit code.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="Hung">Whether it had to be ended because it took too long.</param>
/// <param name="PeakBytes">The most memory that it held.</param>
internal sealed record ParryRun(int Code, string Output, string Error, bool Hung, long PeakBytes)
{
    private static readonly TimeSpan s_tooLong = TimeSpan.FromSeconds(120);

    /// <summary>The repository's root.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../.."));

    /// <summary>The program that users start.</summary>
    public static string Program { get; } = Path.Combine(Root, "artifacts/bin/Parry.Cli/release/Parry.Cli");

    /// <summary>Starts the program in a folder.</summary>
    public static Process Start(string folder, IEnumerable<string> words) => Start(folder, Program, words);

    /// <summary>Starts any program in a folder, with its output to be read.</summary>
    public static Process Start(string folder, string program, IEnumerable<string> words) =>
        Process.Start(
            new ProcessStartInfo(program, words)
            {
                WorkingDirectory = folder,
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;

    /// <summary>Runs the program in a folder to its end.</summary>
    public static ParryRun Of(string folder, params IEnumerable<string> words) => Of(Start(folder, words));

    /// <summary>Waits for the end of a process.</summary>
    /// <param name="process">The process.</param>
    /// <param name="tooLong">The time after which it is ended.</param>
    public static ParryRun Of(Process process, TimeSpan? tooLong = null)
    {
        using (process)
        {
            var output = new StringBuilder();
            var error = new StringBuilder();
            process.OutputDataReceived += (_, line) => output.AppendLine(line.Data);
            process.ErrorDataReceived += (_, line) => error.AppendLine(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            var watch = Stopwatch.StartNew();
            long peak = 0;
            bool hung = false;
            while (!process.WaitForExit(20))
            {
                peak = Math.Max(peak, Peak(process.Id));
                if (watch.Elapsed > (tooLong ?? s_tooLong))
                {
                    hung = true;
                    process.Kill(entireProcessTree: true);
                }
            }

            process.WaitForExit();
            return new ParryRun(process.ExitCode, output.ToString(), error.ToString(), hung, peak);
        }
    }

    private static long Peak(int id)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{id}/status")
                .FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            string[] words = line?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [];
            return words.Length > 1 ? long.Parse(words[1], CultureInfo.InvariantCulture) * 1024 : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
