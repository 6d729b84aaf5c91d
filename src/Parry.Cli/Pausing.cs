namespace Parry.Cli;

/// <summary>
/// What a job scheduler's signals, TERM and USR1, ask for: work that can go on later ends at the next good place, with
/// an exit code that says so.
/// </summary>
internal static class Pausing
{
    /// <summary>The exit code of work that can go on where it ended: "temporary failure" in sysexits.h.</summary>
    public const int ExitCode = 75;

    private static CancellationTokenSource? s_pause;

    /// <summary>Begins work that can pause.</summary>
    public static CancellationToken Begin()
    {
        s_pause = new CancellationTokenSource();
        return s_pause.Token;
    }

    /// <summary>Asks the work to pause.</summary>
    /// <returns>Whether there is any that can and was not asked before.</returns>
    public static bool Ask()
    {
        if (s_pause is not { IsCancellationRequested: false } pause)
            return false;
        pause.Cancel();
        return true;
    }
}
