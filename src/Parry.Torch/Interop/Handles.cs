using System.Runtime.InteropServices;

namespace Parry.Torch.Interop;

internal sealed class TensorHandle : SafeHandle
{
    public TensorHandle(nint pointer) : base(0, ownsHandle: true) => SetHandle(pointer);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMethods.parry_tensor_free(handle);
        Interlocked.Decrement(ref TensorScope.s_live);
        return true;
    }
}

internal sealed class GeneratorHandle : SafeHandle
{
    public GeneratorHandle(nint pointer) : base(0, ownsHandle: true) => SetHandle(pointer);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMethods.parry_generator_free(handle);
        return true;
    }
}

internal sealed class ScriptHandle : SafeHandle
{
    public ScriptHandle(nint pointer) : base(0, ownsHandle: true) => SetHandle(pointer);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMethods.parry_script_free(handle);
        return true;
    }
}
