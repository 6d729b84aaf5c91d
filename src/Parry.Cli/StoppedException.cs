namespace Parry.Cli;

/// <summary>Long work was stopped on request; the message says how to go on.</summary>
internal sealed class StoppedException(string message) : OperationCanceledException(message);
