using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Parry.Torch.Interop;

namespace Parry.Torch;

/// <summary>
/// A LibTorch tensor. It is freed by <see cref="Dispose"/> or by the <see cref="TensorScope"/> it was made in; the
/// finalizer is only a net. Operators are methods in PascalCase; those ending in <c>InPlace</c> change the tensor itself.
/// </summary>
public sealed unsafe partial class Tensor : IDisposable
{
    private const int MaximumDimensions = 16;

    private long[]? _shape;
    private DType _dtype;
    private Device _device;

    internal Tensor(nint pointer)
    {
        Handle = new TensorHandle(pointer);
        TensorScope.Register(this);
    }

    internal TensorHandle Handle { get; }

    /// <summary>The sizes of its dimensions.</summary>
    public long[] Shape => _shape ?? ReadInfo();

    /// <summary>The element type.</summary>
    public DType DType
    {
        get
        {
            _ = Shape;
            return _dtype;
        }
    }

    /// <summary>Where its elements are.</summary>
    public Device Device
    {
        get
        {
            _ = Shape;
            return _device;
        }
    }

    /// <summary>The number of elements.</summary>
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Whether autograd follows this tensor.</summary>
    public bool RequiresGrad
    {
        get
        {
            NativeTensorInfo info;
            Query(&info, null, 0);
            return info.RequiresGrad != 0;
        }
    }

    /// <summary>The size of one dimension; negative ones count from the last.</summary>
    public long Size(int dimension) => Shape[dimension < 0 ? Shape.Length + dimension : dimension];

    /// <summary>Makes autograd follow this leaf tensor, or stop following it.</summary>
    public Tensor RequireGrad(bool required = true)
    {
        NativeError error = default;
        Loader.Check(NativeMethods.parry_tensor_require_grad(Handle, required ? 1 : 0, &error), error, $"change gradient tracking of {Describe()}");
        return this;
    }

    /// <summary>Takes the tensor out of the scopes of this thread: from now on its owner frees it.</summary>
    public Tensor Own()
    {
        TensorScope.Release(this);
        return this;
    }

    /// <summary>Frees the native tensor. A second call does nothing.</summary>
    public void Dispose() => Handle.Dispose();

    /// <summary>A tensor from elements in row-major order.</summary>
    /// <exception cref="ArgumentException">The shape does not hold as many elements.</exception>
    public static Tensor From<T>(ReadOnlySpan<T> elements, params ReadOnlySpan<long> shape) where T : unmanaged
    {
        long product = 1;
        foreach (long size in shape) product *= size;
        if (product != elements.Length)
            throw new ArgumentException($"{elements.Length} elements do not fill the shape [{string.Join(", ", shape.ToArray())}].");
        return New(MemoryMarshal.AsBytes(elements), shape, TypeOf<T>());
    }

    /// <summary>A one-dimensional tensor from elements.</summary>
    [OverloadResolutionPriority(1)] // or [1, 2] would be a span without a shape
    public static Tensor From<T>(T[] elements) where T : unmanaged => From<T>(elements, elements.Length);

    /// <summary>A tensor from raw bytes in row-major order.</summary>
    /// <exception cref="ArgumentException">The bytes do not fill the shape.</exception>
    public static Tensor FromBytes(ReadOnlySpan<byte> bytes, DType type, params ReadOnlySpan<long> shape)
    {
        long product = ElementSize(type);
        foreach (long size in shape) product = checked(product * size);
        if (product != bytes.Length)
            throw new ArgumentException($"{bytes.Length} bytes do not fill the shape [{string.Join(", ", shape.ToArray())}] of {type}.");
        return New(bytes, shape, type);
    }

    /// <summary>The elements in row-major order.</summary>
    /// <exception cref="InvalidOperationException">The element type is another one.</exception>
    public T[] ToArray<T>() where T : unmanaged
    {
        if (TypeOf<T>() != DType) throw new InvalidOperationException($"The tensor holds {DType}; convert it before reading it as {typeof(T).Name}.");
        var elements = GC.AllocateUninitializedArray<T>(checked((int)Elements));
        ReadBytes(MemoryMarshal.AsBytes(elements.AsSpan()));
        return elements;
    }

    /// <summary>Copies the elements out as bytes, in row-major order.</summary>
    public void ReadBytes(Span<byte> destination)
    {
        NativeError error = default;
        fixed (byte* data = destination)
        {
            Loader.Check(NativeMethods.parry_tensor_read(Handle, data, destination.Length, &error), error, $"read {Describe()}");
        }
    }

    /// <summary>The only element, as a double.</summary>
    public double ToDouble()
    {
        using Tensor converted = To(DType.Float64);
        double value;
        converted.ReadBytes(new Span<byte>(&value, sizeof(double)));
        return value;
    }

    /// <summary>Type, shape and device, as error messages show them.</summary>
    public string Describe() => Handle.IsClosed ? "freed tensor" : $"{DType}[{string.Join(", ", Shape)}]{(Device == Device.Cpu ? "" : "@" + Device)}";

    /// <inheritdoc/>
    public override string ToString() => Describe();

    internal static int ElementSize(DType type) => type switch
    {
        DType.UInt8 or DType.Bool => 1,
        DType.Float16 or DType.BFloat16 => 2,
        DType.Float32 or DType.Int32 => 4,
        _ => 8,
    };

    // After an operator that changes shape or type in place.
    internal Tensor Changed()
    {
        _shape = null;
        return this;
    }

    private static Tensor New(ReadOnlySpan<byte> bytes, ReadOnlySpan<long> shape, DType type)
    {
        _ = Loader.Info;
        nint made;
        NativeError error = default;
        fixed (byte* data = bytes)
        fixed (long* sizes = shape)
        {
            Loader.Check(NativeMethods.parry_tensor_new(data, sizes, shape.Length, (int)type, &made, &error), error,
                $"make a tensor of shape [{string.Join(", ", shape.ToArray())}]");
        }

        return new Tensor(made);
    }

    private static DType TypeOf<T>()
    {
        if (typeof(T) == typeof(float)) return DType.Float32;
        if (typeof(T) == typeof(double)) return DType.Float64;
        if (typeof(T) == typeof(long)) return DType.Int64;
        if (typeof(T) == typeof(int)) return DType.Int32;
        if (typeof(T) == typeof(byte)) return DType.UInt8;
        if (typeof(T) == typeof(bool)) return DType.Bool;
        throw new NotSupportedException($"Tensors of {typeof(T).Name} are not supported: use float, double, long, int, byte or bool.");
    }

    private long[] ReadInfo()
    {
        NativeTensorInfo info;
        long* sizes = stackalloc long[MaximumDimensions];
        Query(&info, sizes, MaximumDimensions);
        _dtype = (DType)info.DType;
        _device = Device.FromCode(info.Device);
        return _shape = new ReadOnlySpan<long>(sizes, info.Dimensions).ToArray();
    }

    private void Query(NativeTensorInfo* info, long* sizes, int capacity)
    {
        long* unused = stackalloc long[MaximumDimensions];
        NativeError error = default;
        Loader.Check(NativeMethods.parry_tensor_info(Handle, info, sizes is null ? unused : sizes, MaximumDimensions, &error), error, "look at a tensor");
    }
}
