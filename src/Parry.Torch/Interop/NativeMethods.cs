using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace Parry.Torch.Interop;

internal enum ValueKind
{
    None, Int, Double, Bool, Tensor, String, Generator, Device, IntList, DoubleList, TensorList,
}

/// <summary>One boxed argument or result, laid out as the native side's Value.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct NativeValue
{
    [FieldOffset(0)] public ValueKind Kind;
    [FieldOffset(4)] public int Count;
    [FieldOffset(8)] public long Integer;
    [FieldOffset(8)] public double Number;
    [FieldOffset(8)] public nint Pointer;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeError
{
    public nint Text;
    public long Length;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeTensorInfo
{
    public int DType;
    public int Dimensions;
    public long Device;
    public long Elements;
    public int ElementSize;
    public int RequiresGrad;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeInfo
{
    public long Size;
    public int ValueSize;
    public int VersionMajor, VersionMinor, VersionPatch;
    public int Float, Double, Half, BFloat16, Long, Bool, Byte, Int;
    public int ChannelsLast;
    public int Cuda;
    public int CudaDevices;
}

/// <summary>The C ABI of libparry_torch: nothing else in Parry calls native LibTorch.</summary>
internal static unsafe partial class NativeMethods
{
    internal const string Library = "parry_torch";

    [LibraryImport(Library)]
    internal static partial int parry_info(NativeInfo* info, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_load_cuda(NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_threads(int set, int* now, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_blas(byte* text, long capacity, int* threads, NativeError* error);

    [LibraryImport(Library)]
    internal static partial void parry_free_text(nint text);

    [LibraryImport(Library)]
    internal static partial int parry_operator_find(byte* name, byte* overload, nint* found, int* arguments, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_operator_schema(nint op, byte* text, long capacity, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_operator_call(nint op, NativeValue* arguments, int argumentCount, NativeValue* results,
        int capacity, int* resultCount, int noGrad, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_tensor_new(void* data, long* sizes, int dimensions, int dtype, nint* tensor, NativeError* error);

    [LibraryImport(Library)]
    internal static partial void parry_tensor_free(nint tensor);

    [LibraryImport(Library)]
    internal static partial int parry_tensor_info(TensorHandle tensor, NativeTensorInfo* info, long* sizes, int capacity, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_tensor_read(TensorHandle tensor, void* data, long bytes, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_tensor_require_grad(TensorHandle tensor, int required, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_grad(nint* outputs, int outputCount, nint* inputs, int inputCount, nint* outputGradients,
        int retainGraph, int createGraph, nint* gradients, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_generator_new(long device, long seed, nint* generator, NativeError* error);

    [LibraryImport(Library)]
    internal static partial void parry_generator_free(nint generator);

    [LibraryImport(Library)]
    internal static partial int parry_generator_get_state(GeneratorHandle generator, nint* state, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_generator_set_state(GeneratorHandle generator, TensorHandle state, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_script_load(byte* path, long device, nint* script, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_script_forward(ScriptHandle script, TensorHandle input, int noGrad, nint* output, NativeError* error);

    [LibraryImport(Library)]
    internal static partial int parry_script_weight(ScriptHandle script, long index, byte* name, long capacity, nint* tensor, NativeError* error);

    [LibraryImport(Library)]
    internal static partial void parry_script_free(nint script);
}
