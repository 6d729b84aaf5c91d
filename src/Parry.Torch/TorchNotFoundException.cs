namespace Parry.Torch;

/// <summary>LibTorch, or Parry's own native part, could not be loaded; the message says how to get it.</summary>
public sealed class TorchNotFoundException : Exception
{
    /// <summary>Creates the exception with its message and cause.</summary>
    public TorchNotFoundException(string message, Exception inner) : base(message, inner)
    {
    }
}
