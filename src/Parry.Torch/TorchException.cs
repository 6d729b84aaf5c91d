using System.Runtime.InteropServices;
using Parry.Torch.Interop;

namespace Parry.Torch;

/// <summary>What kind of failure LibTorch reported.</summary>
public enum ErrorKind
{
    /// <summary>Shapes, devices, gradients: LibTorch's general error.</summary>
    Torch = 1,

    /// <summary>An index or dimension out of range.</summary>
    Index,

    /// <summary>A value outside what the operator accepts.</summary>
    Value,

    /// <summary>An argument of the wrong type.</summary>
    Type,

    /// <summary>An operator, or a data type or device of it, that this LibTorch lacks.</summary>
    NotImplemented,

    /// <summary>Memory ran out.</summary>
    OutOfMemory,

    /// <summary>Anything else.</summary>
    Other,
}

/// <summary>LibTorch refused a call; the message names the operator and the shapes and types of its arguments.</summary>
public sealed class TorchException : Exception
{
    /// <summary>Creates the exception of a kind with a message.</summary>
    public TorchException(ErrorKind kind, string message) : base(message) => Kind = kind;

    /// <summary>What kind of failure it was.</summary>
    public ErrorKind Kind { get; }

    internal static TorchException From(int kind, NativeError error, string prefix)
    {
        string text = error.Text == 0 ? "no message" : Marshal.PtrToStringUTF8(error.Text, (int)error.Length);
        NativeMethods.parry_free_text(error.Text);
        return new TorchException((ErrorKind)kind, prefix + text.Trim());
    }
}
