namespace Parry;

/// <summary>
/// Something the user gave is wrong: a file, a name, a number. The message is one line that says what was expected,
/// what came and what to do. The command line prints it and exits with code 2.
/// </summary>
public sealed class UserErrorException : Exception
{
    /// <summary>Creates the error with its one-line message.</summary>
    public UserErrorException(string message)
        : base(message) { }

    /// <summary>Creates the error with its one-line message and the exception that revealed it.</summary>
    public UserErrorException(string message, Exception inner)
        : base(message, inner) { }
}
