using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Parry.Cli.Reproducing;

/// <summary>
/// Makes what tables need, each thing by a process of this program that works in the folder, so that its command is the
/// one that a user would type there. What is there already is not made again.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="book">The commands.</param>
/// <param name="device">The device to compute on.</param>
internal sealed partial class ReproduceRun(string folder, CommandBook book, string device)
{
    private const int Terminate = 15;
    private const int FinishedPoll = 200;

    /// <summary>Whether a thing is there, made to its end.</summary>
    public bool IsMade(string target) => IsMade(folder, target);

    /// <summary>Whether a thing is in a folder, made to its end.</summary>
    public static bool IsMade(string folder, string target) => File.Exists(Sign(folder, target));

    /// <summary>Makes a thing.</summary>
    /// <returns>The exit code of its command.</returns>
    public int Make(string target, CancellationToken cancellation)
    {
        string path = Path.Combine(folder, target);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        ProcessStartInfo start = ParryCommand.OwnProgram();
        foreach (string word in book.WordsFor(target))
            start.ArgumentList.Add(word);
        if (IsWeights(target))
            start.ArgumentList.Add("--resume");
        start.ArgumentList.Add("--device");
        start.ArgumentList.Add(device);
        start.WorkingDirectory = folder;
        start.RedirectStandardOutput = true;
        using Process process = Process.Start(start)!;
        Task<string> printed = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        while (!process.WaitForExit(FinishedPoll))
        {
            if (!cancellation.IsCancellationRequested)
                continue;
            Stop(process);
            process.WaitForExit();
        }

        string text = printed.GetAwaiter().GetResult();
        if (process.ExitCode == 0 && !IsWeights(target))
            AtomicFile.WriteText(Sign(folder, target), text);
        return process.ExitCode;
    }

    // Weights appear when they are done; what fills a folder leaves what it printed beside it when it is done.
    private static string Sign(string folder, string target)
    {
        string path = Path.Combine(folder, target);
        return IsWeights(target) || CommandBook.IsCaptured(target) ? path : DoneSign(path);
    }

    /// <summary>The file that says that a folder was filled to its end.</summary>
    public static string DoneSign(string path) => $"{path}.done";

    private static bool IsWeights(string target) => target.StartsWith("weights/", StringComparison.Ordinal);

    // A terminal's Ctrl-C reaches the process by itself.
    private static void Stop(Process process)
    {
        if (OperatingSystem.IsWindows())
            process.Kill(entireProcessTree: true);
        else
            _ = Signal(process.Id, Terminate);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
