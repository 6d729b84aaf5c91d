using System.Runtime.InteropServices;
using Parry.Runtime;

namespace Parry.Cli;

/// <summary>
/// Stops long work in time: what does not notice within a second that it is to stop is left behind, on a thread of its
/// own, until the process ends.
/// </summary>
internal sealed partial class Stopping
{
    private const int Patience = 1000;

    /// <summary>Whether the work was left behind; then nothing that it uses may be freed.</summary>
    public bool LeftBehind { get; private set; }

    /// <summary>Does work on a thread of its own. What it throws passes through.</summary>
    /// <param name="work">The work.</param>
    /// <param name="line">Says that it stops.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public void Do(Action work, ProgressLine line, CancellationToken cancellation)
    {
        Task running = Task.Factory.StartNew(
            () =>
            {
                TorchLibrary.SetThreads(1);
                work();
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
        Task stopped = Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        if (Task.WaitAny([running, stopped], CancellationToken.None) == 1)
            line.Say("parry: stopping; what is finished is kept, and Ctrl-C again ends at once");
        Task.WaitAny([running], Patience, CancellationToken.None);
        LeftBehind = !running.IsCompleted;
        if (LeftBehind)
            throw new OperationCanceledException(cancellation);
        running.GetAwaiter().GetResult();
    }

    /// <summary>How long work has to end after it was asked to.</summary>
    public static TimeSpan Grace { get; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Ends with an exit code; where work was left behind, the process ends here, without waiting for it or freeing
    /// what it uses.
    /// </summary>
    public int End(int code)
    {
        if (PassTimeout.IsExceeded)
            code = 1;
        if (LeftBehind)
            EndAtOnce(code);
        return code;
    }

    /// <summary>Ends the process without waiting for anything.</summary>
    public static void EndAtOnce(int code)
    {
        Console.Out.Flush();
        Console.Error.Flush();
        if (OperatingSystem.IsWindows())
            Environment.Exit(code);
        EndNow(code);
    }

    // The ordinary end runs LibTorch's destructors, which do not stand work on other threads.
    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void EndNow(int code);
}
