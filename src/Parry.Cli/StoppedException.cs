namespace Parry.Cli;

/// <summary>Long work was stopped on request; the message says how to resume it.</summary>
internal sealed class StoppedException(string message) : OperationCanceledException(message);
