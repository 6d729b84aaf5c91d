namespace Parry.Models.Http;

/// <summary>
/// An HTTP endpoint failed for good: after all retries it gave no answer, errors or unusable answers, or the budget of
/// images is spent. The message is one line; results until then stay valid.
/// </summary>
public sealed class EndpointException : Exception
{
    /// <summary>Creates the error with its one-line message.</summary>
    public EndpointException(string message)
        : base(message) { }

    /// <summary>Creates the error with its one-line message and its cause.</summary>
    public EndpointException(string message, Exception? inner)
        : base(message, inner) { }
}
