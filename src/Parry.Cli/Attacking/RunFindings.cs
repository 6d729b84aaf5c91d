using Parry.Catalogs;
using Parry.Models.Http;
using Parry.Runtime;

namespace Parry.Cli.Attacking;

/// <summary>
/// What attacks have found so far, and why the rest is missing; it can be shown while the work goes on or was left
/// behind.
/// </summary>
internal abstract class RunFindings
{
    private readonly List<Exception> _failures = [];

    /// <summary>Held while something is added or read.</summary>
    protected Lock Sync { get; } = new();

    /// <summary>Whether no attack finished.</summary>
    public abstract bool IsEmpty { get; }

    /// <summary>Why rows are missing.</summary>
    public IReadOnlyList<Exception> Failures
    {
        get
        {
            lock (Sync)
                return [.. _failures];
        }
    }

    /// <summary>The same in one text; null if nothing is missing.</summary>
    public string? Failure =>
        Failures is { Count: > 0 } failures ? string.Join("; ", failures.Select(failure => failure.Message)) : null;

    /// <summary>Adds why rows are missing.</summary>
    public void Fail(Exception failure)
    {
        lock (Sync)
            _failures.Add(failure);
    }

    /// <summary>Adds that the run was stopped.</summary>
    public void Stop() =>
        Fail(new StoppedException("stopped before all attacks had finished; the rows of those that had are above"));

    /// <summary>
    /// Runs attacks one after the other. One of several that fails costs only its own rows; a model served over HTTP
    /// that fails ends the run.
    /// </summary>
    public void TryEach(IReadOnlyList<AttackSpec> attacks, Action<AttackSpec> run)
    {
        foreach (AttackSpec attack in attacks)
        {
            try
            {
                run(attack);
            }
            catch (Exception e) when (attacks.Count > 1 && e is not (OperationCanceledException or EndpointException))
            {
                Fail(new InvalidOperationException($"{attack.Text} failed: {TorchErrors.FirstLine(e)}", e));
            }
        }
    }

    /// <summary>Writes why rows are missing, a line for each reason, and gives the exit code.</summary>
    public int ExitCode(TextWriter error)
    {
        int code = 0;
        foreach (Exception failure in Failures)
            code = Math.Max(code, IsEmpty ? Errors.Report(failure, error) : Math.Min(Errors.Report(failure, error), 1));
        return Failures.Any(failure => failure is OperationCanceledException) ? 130 : code;
    }
}
