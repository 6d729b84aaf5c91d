using System.Diagnostics;
using Parry.Models.TorchScript;
using Parry.Runtime;

namespace Parry.Cli;

/// <summary>The process in which a TorchScript file is loaded for the first time: this program, with a hidden word.</summary>
internal static class TorchScriptProcess
{
    /// <summary>The word before the file.</summary>
    public const string Word = "--load-torchscript";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <summary>What the process does.</summary>
    public static int Run(string path)
    {
        TorchLibrary.Load();
        TorchScriptProbe.Load(path);
        return 0;
    }

    /// <summary>Starts the process, and says why it failed; null when it did not.</summary>
    public static string? Ask(string path)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardError = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(TorchScriptProcess).Assembly.Location);
        start.ArgumentList.Add(Word);
        start.ArgumentList.Add(Path.GetFullPath(path));
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            return $"it was not loaded within {s_limit.TotalSeconds} seconds";
        }

        Task.WaitAll(output, error);
        return process.ExitCode == 0 ? null : Reason(error.Result);
    }

    // LibTorch's words when it ends a process are "terminate called after throwing …", "what():" and then what is wrong.
    private static string Reason(string error)
    {
        string[] noise = ["terminate called", "Unhandled exception", "at "];
        IEnumerable<string> lines = error.Split('\n').Select(line => line.Trim().Replace("what():", "", StringComparison.Ordinal).Trim());
        return lines.FirstOrDefault(line => line.Length > 1 && !noise.Any(word => line.StartsWith(word, StringComparison.Ordinal)))?.TrimEnd('.', ':')
            ?? "LibTorch ended";
    }
}
