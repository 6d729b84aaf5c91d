using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Parry.Torch.Interop;

namespace Parry.Torch;

/// <summary>
/// An operator of PyTorch's dispatcher, found once by name and then called with boxed arguments. Arguments are checked
/// against the operator's schema and missing trailing ones take its defaults, so a wrong call is an exception.
/// </summary>
public sealed unsafe class Operator
{
    private const int ResultCapacity = 64;
    private const int StackLongs = 64;

    private static readonly ConcurrentBag<Operator> s_all = [];

    private readonly string _overload;
    private nint _handle;

    /// <summary>Names an operator: <c>add.Tensor</c> for aten::add's overload Tensor. It is looked up at the first call.</summary>
    public Operator(string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        Name = "aten::" + (dot < 0 ? name : name[..dot]);
        _overload = dot < 0 ? "" : name[(dot + 1)..];
        s_all.Add(this);
    }

    /// <summary>The operator's qualified name without the overload, such as aten::add.</summary>
    public string Name { get; }

    /// <summary>Every operator that has been named so far, for checks against a LibTorch.</summary>
    public static IReadOnlyCollection<Operator> All => s_all;

    /// <summary>The schema as LibTorch prints it.</summary>
    /// <exception cref="TorchException">This LibTorch lacks the operator.</exception>
    public string Schema
    {
        get
        {
            byte* text = stackalloc byte[2048];
            NativeError error = default;
            Loader.Check(NativeMethods.parry_operator_schema(Handle, text, 2048, &error), error, $"read the schema of {this}");
            return Marshal.PtrToStringUTF8((nint)text)!;
        }
    }

    private nint Handle => _handle != 0 ? _handle : _handle = Find();

    /// <summary>Calls the operator for its one tensor result.</summary>
    /// <exception cref="TorchException">LibTorch refused the call.</exception>
    public Tensor Call(params ReadOnlySpan<Value> arguments)
    {
        NativeValue result = default;
        int count = Invoke(arguments, &result, 1);
        if (count != 1 || result.Kind != ValueKind.Tensor || result.Pointer == 0)
            throw new TorchException(ErrorKind.Type, $"{this} gave no single tensor: call it with CallMany.");
        return new Tensor(result.Pointer);
    }

    /// <summary>Calls the operator for all its tensor results; an undefined one is null, a list is flattened.</summary>
    /// <exception cref="TorchException">LibTorch refused the call.</exception>
    public Tensor?[] CallMany(params ReadOnlySpan<Value> arguments)
    {
        NativeValue* results = stackalloc NativeValue[ResultCapacity];
        int count = Invoke(arguments, results, ResultCapacity);
        var tensors = new Tensor?[count];
        for (int i = 0; i < count; i++)
        {
            if (results[i].Kind == ValueKind.Tensor && results[i].Pointer != 0) tensors[i] = new Tensor(results[i].Pointer);
        }

        return tensors;
    }

    /// <summary>Calls an operator that changes its first argument in place; nothing new is handed out.</summary>
    /// <exception cref="TorchException">LibTorch refused the call.</exception>
    public void CallInPlace(params ReadOnlySpan<Value> arguments)
    {
        NativeValue* results = stackalloc NativeValue[2];
        int count = Invoke(arguments, results, 2);
        for (int i = 0; i < count; i++)
        {
            if (results[i].Kind == ValueKind.Tensor) NativeMethods.parry_tensor_free(results[i].Pointer);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => _overload.Length == 0 ? Name : $"{Name}.{_overload}";

    private nint Find()
    {
        _ = Loader.Info;
        nint found;
        int arguments;
        NativeError error = default;
        fixed (byte* name = Encoding.UTF8.GetBytes(Name + '\0'))
        fixed (byte* overload = Encoding.UTF8.GetBytes(_overload + '\0'))
        {
            Loader.Check(NativeMethods.parry_operator_find(name, overload, &found, &arguments, &error), error, $"find {this}");
        }

        return found;
    }

    private int Invoke(ReadOnlySpan<Value> arguments, NativeValue* results, int capacity)
    {
        nint handle = Handle;
        int listed = 0;
        foreach (ref readonly Value argument in arguments) listed += ListLength(argument);
        long* onStack = stackalloc long[StackLongs];
        long[]? onHeap = listed > StackLongs ? GC.AllocateUninitializedArray<long>(listed, pinned: true) : null;
        long* lists = onHeap is null ? onStack : (long*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(onHeap));

        NativeValue* boxed = stackalloc NativeValue[arguments.Length];
        var held = new Held();
        try
        {
            for (int i = 0; i < arguments.Length; i++) lists = Box(arguments[i], &boxed[i], lists, ref held);
            int count;
            NativeError error = default;
            int kind = NativeMethods.parry_operator_call(handle, boxed, arguments.Length, results, capacity, &count,
                Autograd.Enabled ? 0 : 1, &error);
            if (kind != 0) throw TorchException.From(kind, error, $"{this}({Describe(arguments)}): ");
            return count;
        }
        finally
        {
            held.Release();
            GC.KeepAlive(onHeap);
        }
    }

    private static int ListLength(in Value value) => value.Kind switch
    {
        ValueKind.IntList => ((long[])value.Reference!).Length,
        ValueKind.DoubleList => ((double[])value.Reference!).Length,
        ValueKind.TensorList => ((Tensor?[])value.Reference!).Length,
        ValueKind.String => (Encoding.UTF8.GetByteCount((string)value.Reference!) + 7) / 8,
        _ => 0,
    };

    // Writes one argument, its list behind it in the buffer, and returns where the next list goes.
    private static long* Box(in Value value, NativeValue* boxed, long* lists, ref Held held)
    {
        boxed->Kind = value.Kind;
        boxed->Count = 0;
        boxed->Integer = value.Bits;
        switch (value.Kind)
        {
            case ValueKind.Tensor:
                boxed->Pointer = held.Hold(((Tensor)value.Reference!).Handle);
                break;
            case ValueKind.Generator:
                boxed->Pointer = held.Hold(((Generator)value.Reference!).Handle);
                break;
            case ValueKind.String:
                var text = (string)value.Reference!;
                boxed->Pointer = (nint)lists;
                boxed->Count = Encoding.UTF8.GetBytes(text, new Span<byte>(lists, Encoding.UTF8.GetByteCount(text)));
                break;
            case ValueKind.IntList:
                var integers = (long[])value.Reference!;
                integers.CopyTo(new Span<long>(lists, integers.Length));
                SetList(boxed, lists, integers.Length);
                break;
            case ValueKind.DoubleList:
                var numbers = (double[])value.Reference!;
                numbers.CopyTo(new Span<double>(lists, numbers.Length));
                SetList(boxed, lists, numbers.Length);
                break;
            case ValueKind.TensorList:
                var tensors = (Tensor?[])value.Reference!;
                for (int i = 0; i < tensors.Length; i++) lists[i] = tensors[i] is { } tensor ? held.Hold(tensor.Handle) : 0;
                SetList(boxed, lists, tensors.Length);
                break;
        }

        return lists + ListLength(value);
    }

    private static void SetList(NativeValue* boxed, long* list, int length)
    {
        boxed->Pointer = (nint)list;
        boxed->Count = length;
    }

    private static string Describe(ReadOnlySpan<Value> arguments) => string.Join(", ", arguments.ToArray());

    [InlineArray(8)]
    private struct Few
    {
        private SafeHandle? _first;
    }

    // The handles a running call uses: none is freed under it.
    private struct Held
    {
        private Few _few;
        private List<SafeHandle>? _more;
        private int _count;

        public nint Hold(SafeHandle handle)
        {
            bool held = false;
            handle.DangerousAddRef(ref held);
            if (_count < 8) _few[_count++] = handle;
            else (_more ??= []).Add(handle);
            return handle.DangerousGetHandle();
        }

        public void Release()
        {
            for (int i = 0; i < _count; i++) _few[i]!.DangerousRelease();
            _more?.ForEach(handle => handle.DangerousRelease());
        }
    }
}
