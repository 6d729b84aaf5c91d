using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Runtime;

/// <summary>Copies elements of tensors from and to memory, for any device and layout.</summary>
public static class TensorData
{
    /// <summary>Makes a tensor from elements in row-major order.</summary>
    /// <exception cref="ArgumentException">The number of elements does not fit the shape.</exception>
    public static Tensor From<T>(ReadOnlySpan<T> elements, params ReadOnlySpan<long> shape)
        where T : unmanaged => FromBytes(MemoryMarshal.AsBytes(elements), TypeOf<T>(), shape);

    /// <summary>Makes a tensor from raw bytes in row-major order.</summary>
    /// <exception cref="ArgumentException">The bytes do not fill the shape.</exception>
    public static Tensor FromBytes(ReadOnlySpan<byte> bytes, ScalarType type, params ReadOnlySpan<long> shape)
    {
        long product = SizeOf(type);
        foreach (long size in shape)
            product = checked(product * size);
        if (product != bytes.Length)
        {
            throw new ArgumentException(
                $"{bytes.Length} bytes do not fill the shape [{string.Join(", ", shape.ToArray())}] of {NameOf(type)}."
            );
        }

        Tensor made = empty(shape, type, CPU);
        if (bytes.Length > 0)
            bytes.CopyTo(made.bytes);
        if (!Devices.IsGpu)
            return made;
        using (made)
            return made.to(get_default_device());
    }

    /// <summary>Returns the elements in row-major order.</summary>
    /// <exception cref="InvalidOperationException">The tensor has another element type.</exception>
    public static T[] ToArray<T>(this Tensor tensor)
        where T : unmanaged
    {
        if (TypeOf<T>() != tensor.dtype)
        {
            throw new InvalidOperationException(
                $"The tensor holds {NameOf(tensor.dtype)}; convert it before reading it as {typeof(T).Name}."
            );
        }

        var elements = GC.AllocateUninitializedArray<T>(checked((int)tensor.numel()));
        tensor.ReadBytes(MemoryMarshal.AsBytes(elements.AsSpan()));
        return elements;
    }

    /// <summary>
    /// The only element of a tensor. TorchSharp reads it through a scalar that the garbage collector may free
    /// meanwhile, which ends the process.
    /// </summary>
    /// <exception cref="InvalidOperationException">The tensor has more or fewer elements.</exception>
    public static double Item(this Tensor tensor)
    {
        if (tensor.numel() != 1)
            throw new InvalidOperationException($"Expected one element, got {tensor.Describe()}.");
        if (tensor.dtype == ScalarType.Float32)
            return tensor.ToArray<float>()[0];
        using Tensor number = tensor.to(ScalarType.Float64);
        return number.ToArray<double>()[0];
    }

    /// <summary>Copies the elements out as bytes, in row-major order.</summary>
    public static void ReadBytes(this Tensor tensor, Span<byte> destination)
    {
        if (destination.Length == 0)
            return;
        using Tensor here = tensor.cpu();
        using Tensor rows = here.contiguous();
        rows.bytes.CopyTo(destination);
    }

    /// <summary>Describes type, shape and device for error messages, such as <c>Float32[2, 3]</c>.</summary>
    public static string Describe(this Tensor tensor)
    {
        if (tensor.IsInvalid)
            return "freed tensor";
        string device = tensor.device_type == DeviceType.CPU ? "" : "@" + tensor.device;
        return $"{NameOf(tensor.dtype)}[{string.Join(", ", tensor.shape)}]{device}";
    }

    /// <summary>The number of bytes of one element.</summary>
    public static int SizeOf(ScalarType type) =>
        type switch
        {
            ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool => 1,
            ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
            ScalarType.Float32 or ScalarType.Int32 => 4,
            _ => 8,
        };

    /// <summary>Returns a copy in which the elements at some indices along a dimension have one value.</summary>
    public static Tensor ScatterValue(this Tensor tensor, long dimension, Tensor indices, double value)
    {
        using Tensor values = full(indices.shape, value, tensor.dtype, tensor.device);
        return tensor.scatter(dimension, indices, values);
    }

    /// <summary>Moves tensors to the outer scope, or to the caller if there is none.</summary>
    public static T MoveAllToOuter<T>(this DisposeScope scope, T tensors)
        where T : IEnumerable<Tensor>
    {
        scope.MoveToOuter(tensors);
        return tensors;
    }

    /// <summary>Restores a generator's state.</summary>
    /// <exception cref="InvalidDataException">The state is not that of this kind of generator.</exception>
    public static void Restore(this Generator generator, Tensor state)
    {
        using Tensor own = generator.get_state();
        if (state.dtype != own.dtype || !state.shape.AsSpan().SequenceEqual(own.shape))
            throw new InvalidDataException($"A random generator's state is {own.Describe()}, not {state.Describe()}.");
#pragma warning disable RS0030 // The state was checked.
        generator.set_state(state);
#pragma warning restore RS0030
    }

    private static string NameOf(ScalarType type) => type == ScalarType.Byte ? "UInt8" : type.ToString();

    private static ScalarType TypeOf<T>()
    {
        if (typeof(T) == typeof(float))
            return ScalarType.Float32;
        if (typeof(T) == typeof(double))
            return ScalarType.Float64;
        if (typeof(T) == typeof(long))
            return ScalarType.Int64;
        if (typeof(T) == typeof(int))
            return ScalarType.Int32;
        if (typeof(T) == typeof(byte))
            return ScalarType.Byte;
        if (typeof(T) == typeof(bool))
            return ScalarType.Bool;
        throw new NotSupportedException(
            $"Tensors of {typeof(T).Name} are not supported: use float, double, long, int, byte or bool."
        );
    }
}
