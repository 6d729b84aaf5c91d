namespace Parry.Models.Http;

/// <summary>
/// A model behind an address failed for good: it stayed silent, gave errors or rubbish however often it was asked, or
/// what may be sent to it is spent. The message is one line; what was found until then stands.
/// </summary>
public sealed class EndpointException : Exception
{
    /// <summary>Creates the error with its one-line message.</summary>
    public EndpointException(string message)
        : base(message) { }

    /// <summary>Creates the error with its one-line message and what revealed it.</summary>
    public EndpointException(string message, Exception? inner)
        : base(message, inner) { }
}
