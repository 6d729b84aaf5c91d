using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Parry.Data.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.TorchScript;

/// <summary>
/// Tries a TorchScript file in a separate process before it is used in this one: LibTorch ends the process if a file
/// does not compile, and a forged file can crash it or compute endlessly.
/// </summary>
/// <remarks>
/// A program needs two lines for this: its main function passes its arguments to <see cref="Answer"/> if
/// <see cref="Argument"/> is the first, and <see cref="Program"/> says how to start it. If no program is set, only the
/// archive itself is checked.
/// </remarks>
public static class TorchScriptProbe
{
    /// <summary>The first argument of a process that tries files.</summary>
    public const string Argument = "--probe-torchscript";

    private const string Mark = "probe: ";
    private const string Fine = "fine";
    private const string NoSizes = "-";
    private const int Passes = 3;

    /// <summary>
    /// How to start a process that passes its arguments to <see cref="Answer"/>; null to try no files.
    /// </summary>
    public static Func<ProcessStartInfo>? Program { get; set; }

    /// <summary>The longest time that one file may take.</summary>
    public static TimeSpan Limit { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Runs in the started process; writes one line for each file.</summary>
    /// <param name="arguments">The mark, the sizes of the inputs ("3x1x28x28", or "-" to load only), and the
    /// files.</param>
    /// <param name="output">Takes the lines.</param>
    /// <returns>The exit code.</returns>
    public static int Answer(IReadOnlyList<string> arguments, TextWriter output)
    {
        if (arguments.Count < 2)
            return 2;
        long[]? sizes =
            arguments[1] == NoSizes
                ? null
                : [.. arguments[1].Split('x').Select(size => long.Parse(size, CultureInfo.InvariantCulture))];
        foreach (string file in arguments.Skip(2))
        {
            output.WriteLine(Mark + (Try(file, sizes)?.ReplaceLineEndings(" ") ?? Fine));
            output.Flush();
        }

        return 0;
    }

    /// <summary>Tries files in started processes; after a crash, another one continues.</summary>
    /// <param name="files">The files.</param>
    /// <param name="sizes">The sizes of the inputs to run them on; null to load only.</param>
    /// <returns>For each file null, or why it is not usable.</returns>
    /// <exception cref="InvalidOperationException"><see cref="Program"/> is not set.</exception>
    public static IReadOnlyList<string?> Ask(IReadOnlyList<string> files, IReadOnlyList<long>? sizes)
    {
        var program =
            Program ?? throw new InvalidOperationException($"{nameof(Program)} is not set: give the program to start");
        var reasons = new List<string?>();
        while (reasons.Count < files.Count)
        {
            ProcessStartInfo start = program();
            start.ArgumentList.Add(Argument);
            start.ArgumentList.Add(sizes is null ? NoSizes : string.Join('x', sizes));
            foreach (string file in files.Skip(reasons.Count))
                start.ArgumentList.Add(Path.GetFullPath(file));
            start.RedirectStandardOutput = true;
            start.RedirectStandardError = true;
            using Process process = Process.Start(start)!;
            Collect(process, reasons, files.Count);
        }

        return reasons;
    }

    /// <summary>Why a file cannot be used, or null. A file that passed once is not tried again.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sizes">The sizes of the inputs to run it on; null to load only.</param>
    internal static string? Refusal(string path, IReadOnlyList<long>? sizes)
    {
        if (Program is null)
            return null;
        using FileStream file = RegularFile.Open(path);
        string key = Convert.ToHexStringLower(SHA256.HashData(file));
        string shape = sizes is null ? "load" : string.Join('x', sizes);
        string known = Path.Combine(UserCache.Folder("torchscript"), $"{key}-{TorchLibrary.Version}-{shape}");
        if (File.Exists(known))
            return null;
        string? reason = Ask([path], sizes)[0];
        if (reason is null)
            Remember(known);
        return reason;
    }

    private static void Remember(string known)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(known)!);
            File.WriteAllBytes(known, []);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The file is tried again next time.
        }
    }

    private static void Collect(Process process, List<string?> reasons, int count)
    {
        Task<string> error = process.StandardError.ReadToEndAsync();
        while (reasons.Count < count)
        {
            string? line;
            try
            {
                line = NextLine(process.StandardOutput);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                reasons.Add($"trying it took more than {Limit.TotalSeconds:0} s");
                return;
            }

            if (line is null)
            {
                process.WaitForExit();
                reasons.Add(LastWords(error.Result, process.ExitCode));
                return;
            }

            if (!line.StartsWith(Mark, StringComparison.Ordinal))
                continue;
            string answer = line[Mark.Length..];
            reasons.Add(answer == Fine ? null : answer);
        }

        process.WaitForExit();
    }

    private static string? NextLine(StreamReader output)
    {
        using var limit = new CancellationTokenSource(Limit);
        return output.ReadLineAsync(limit.Token).AsTask().GetAwaiter().GetResult();
    }

    // "terminate called after throwing an instance of 'torch::jit::ErrorReport'", then "what():" and LibTorch's reason.
    private static string LastWords(string error, int code)
    {
        const string What = "what():";
        int at = error.IndexOf(What, StringComparison.Ordinal);
        string? reason = at < 0 ? null : FirstLine(error[(at + What.Length)..]);
        return reason ?? $"LibTorch ends the process that loads it, with code {code}";
    }

    private static string? FirstLine(string text) =>
        text.Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.Length > 0)?.TrimEnd('.', ':');

    private static string? Try(string file, long[]? sizes)
    {
        try
        {
            using ScriptedNetwork network = ScriptedNetwork.Load(file);
            if (sizes is not null)
                Run(network, sizes);
            return null;
        }
        catch (Exception e) when (e is not TorchNotFoundException)
        {
            return TorchErrors.FirstLine(e.InnerException ?? e);
        }
    }

    // Run more than once: LibTorch compiles for the inputs it has seen. Errors are reported where the model is used.
    private static void Run(ScriptedNetwork network, long[] sizes)
    {
        try
        {
            for (int pass = 0; pass < Passes; pass++)
            {
                using var scope = NewDisposeScope();
                Tensor input = rand(sizes).requires_grad_();
                Autograd.Grad(network.Forward(input).to(ScalarType.Float32).sum(), input);
            }
        }
        catch (Exception e) when (e is ExternalException or InvalidDataException)
        {
            // No crash.
        }
    }
}
