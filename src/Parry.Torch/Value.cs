using Parry.Torch.Interop;

namespace Parry.Torch;

/// <summary>
/// One argument of an operator call: nothing, a number, a truth value, a tensor, a list, a string, a generator or a
/// device. Made by implicit conversion; a null tensor, list or generator is "none".
/// </summary>
public readonly struct Value
{
    private Value(ValueKind kind, long bits = 0, object? reference = null)
    {
        Kind = kind;
        Bits = bits;
        Reference = reference;
    }

    internal ValueKind Kind { get; }

    internal long Bits { get; }

    internal object? Reference { get; }

    /// <summary>No value: what an optional argument is when it is not given.</summary>
    public static Value None => default;

    /// <summary>A tensor; null is none.</summary>
    public static implicit operator Value(Tensor? tensor) => tensor is null ? default : new(ValueKind.Tensor, 0, tensor);

    /// <summary>An integer.</summary>
    public static implicit operator Value(long value) => new(ValueKind.Int, value);

    /// <summary>An integer.</summary>
    public static implicit operator Value(int value) => new(ValueKind.Int, value);

    /// <summary>A floating-point number.</summary>
    public static implicit operator Value(double value) => new(ValueKind.Double, BitConverter.DoubleToInt64Bits(value));

    /// <summary>A truth value.</summary>
    public static implicit operator Value(bool value) => new(ValueKind.Bool, value ? 1 : 0);

    /// <summary>An element type.</summary>
    public static implicit operator Value(DType type) => new(ValueKind.Int, (long)type);

    /// <summary>A memory format.</summary>
    public static implicit operator Value(MemoryFormat format) => new(ValueKind.Int, (long)format);

    /// <summary>A device.</summary>
    public static implicit operator Value(Device device) => new(ValueKind.Device, device.Code);

    /// <summary>A list of integers; null is none.</summary>
    public static implicit operator Value(long[]? values) => values is null ? default : new(ValueKind.IntList, 0, values);

    /// <summary>A list of floating-point numbers; null is none.</summary>
    public static implicit operator Value(double[]? values) => values is null ? default : new(ValueKind.DoubleList, 0, values);

    /// <summary>A list of tensors, null ones allowed where the operator allows them; null is none.</summary>
    public static implicit operator Value(Tensor?[]? tensors) => tensors is null ? default : new(ValueKind.TensorList, 0, tensors);

    /// <summary>A string; null is none.</summary>
    public static implicit operator Value(string? text) => text is null ? default : new(ValueKind.String, 0, text);

    /// <summary>A random generator; null is none.</summary>
    public static implicit operator Value(Generator? generator) => generator is null ? default : new(ValueKind.Generator, 0, generator);

    /// <summary>A list of truth values, such as which gradients are wanted.</summary>
    public static Value Flags(params bool[] flags) => new(ValueKind.IntList, 0, Array.ConvertAll(flags, flag => flag ? 1L : 0L));

    /// <summary>The value as an error message shows it: a tensor by type and shape.</summary>
    public override string ToString() => Kind switch
    {
        ValueKind.None => "none",
        ValueKind.Double => BitConverter.Int64BitsToDouble(Bits).ToString(System.Globalization.CultureInfo.InvariantCulture),
        ValueKind.Bool => Bits != 0 ? "true" : "false",
        ValueKind.Device => Device.FromCode(Bits).ToString(),
        ValueKind.IntList => $"[{string.Join(", ", (long[])Reference!)}]",
        ValueKind.DoubleList => $"[{string.Join(", ", (double[])Reference!)}]",
        ValueKind.TensorList => Describe((Tensor?[])Reference!),
        ValueKind.Tensor => ((Tensor)Reference!).Describe(),
        ValueKind.Generator => "generator",
        ValueKind.String => $"\"{Reference}\"",
        _ => Bits.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    private static string Describe(Tensor?[] tensors)
    {
        const int Shown = 4;
        string first = string.Join(", ", tensors.Take(Shown).Select(t => t?.Describe() ?? "none"));
        return tensors.Length <= Shown ? $"[{first}]" : $"[{first}, … {tensors.Length} tensors]";
    }
}
