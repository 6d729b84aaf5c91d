namespace Parry.Runtime;

/// <summary>LibTorch could not be loaded; the message says where it was searched and what to do.</summary>
public sealed class TorchNotFoundException : Exception
{
    /// <summary>Creates the exception with a message.</summary>
    public TorchNotFoundException(string message, Exception? inner = null)
        : base(message, inner) { }
}
