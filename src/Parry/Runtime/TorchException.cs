using System.Runtime.InteropServices;

namespace Parry.Runtime;

/// <summary>
/// An error of LibTorch in one line; TorchSharp's own calls throw the base class with LibTorch's back-trace.
/// </summary>
public sealed class TorchException : ExternalException
{
    /// <summary>Creates the exception with a message.</summary>
    public TorchException(string message, Exception? inner = null)
        : base(message, inner) { }
}
