using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Parry.Runtime;

/// <summary>
/// Checks once whether LibTorch convolves correctly on this processor. oneDNN 3.7, which it uses, copies channels into
/// blocks of 8 or 16; on some virtual machines it loses those that fill no block, and adds whatever was in memory.
/// Where <see cref="CacheSizes"/> cannot mend that, oneDNN is switched off: LibTorch's own convolutions take several
/// times as long and are right.
/// </summary>
internal static class ConvolutionCheck
{
    private const int Height = 13;
    private const int Width = 11;
    private const int Window = 5;
    private const double Tolerance = 1e-4;

    private static readonly Lazy<bool> s_isExact = new(Check);

    /// <summary>Whether oneDNN is right on this processor, so that it is used.</summary>
    public static bool UsesOneDnn => s_isExact.Value;

    // oneDNN looks at the processor when it is first used, and keeps the code that it makes for a shape. So each
    // convolution here has a shape of its own that networks do not have, with channels that fill a block and a part of
    // the next; and where others have used it before, their code stays wrong, and only switching it off helps.
    private static bool Check()
    {
        if (CacheSizes.AreWrong)
            return SwitchOff();
        IsExact(channels: 19);
        CacheSizes.Correct();
        return (IsExact(channels: 21) && IsExact(channels: 37)) || SwitchOff();
    }

    // Whether a convolution in float32 gives what it gives in float64, for which oneDNN is not used. All values differ:
    // what is left over in memory must not pass for them.
    private static bool IsExact(int channels)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Tensor images = Rising(1, channels, Height, Width);
        Tensor weights = Rising(channels, channels, Window, Window);
        Tensor got = nn.functional.conv2d(images, weights);
        Tensor exact = nn.functional.conv2d(images.to(ScalarType.Float64), weights.to(ScalarType.Float64));
        return (got / exact - 1).abs().max().Item() < Tolerance;
    }

    private static Tensor Rising(params long[] shape) =>
        linspace(0.5, 1.5, shape.Aggregate((product, size) => product * size)).reshape(shape);

    // TorchSharp has no entry for this switch of LibTorch, which is a method of a global object.
    private static bool SwitchOff()
    {
        bool windows = OperatingSystem.IsWindows();
        string context = windows ? "?globalContext@at@@YAAEAVContext@1@XZ" : "_ZN2at13globalContextEv";
        string enable = windows
            ? "?setUserEnabledMkldnn@Context@at@@QEAAX_N@Z"
            : "_ZN2at7Context20setUserEnabledMkldnnEb";
        nint library = NativeLibrary.Load(Path.Combine(TorchLibrary.Folder, TorchLibrary.FileName("torch_cpu")));
        if (
            !NativeLibrary.TryGetExport(library, context, out nint get)
            || !NativeLibrary.TryGetExport(library, enable, out nint set)
        )
            throw new TorchException(
                "LibTorch computes wrong convolutions on this processor: set the environment variable "
                    + "ONEDNN_MAX_CPU_ISA=SSE41"
            );
        nint global = Marshal.GetDelegateForFunctionPointer<GetContext>(get)();
        Marshal.GetDelegateForFunctionPointer<SetEnabled>(set)(global, false);
        return false;
    }

    [UnmanagedFunctionPointer(CallingConvention.ThisCall)]
    private delegate void SetEnabled(nint context, [MarshalAs(UnmanagedType.U1)] bool enabled);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint GetContext();
}
