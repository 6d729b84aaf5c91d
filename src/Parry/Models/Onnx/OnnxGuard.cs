namespace Parry.Models.Onnx;

/// <summary>
/// Limits the cost of a graph during its trial run. A file of a few bytes can ask for a tensor of terabytes or a
/// convolution that takes hours; images of usual sizes need far less than these limits.
/// </summary>
internal sealed class OnnxGuard : IDisposable
{
    private const long MostElements = 1L << 28;
    private const double MostWork = 2e12;

    [ThreadStatic]
    private static OnnxGuard? t_current;

    private long _live;
    private double _work;

    /// <summary>Guards this thread until disposed.</summary>
    public OnnxGuard() => t_current = this;

    /// <summary>Call before making a tensor of this shape.</summary>
    /// <exception cref="InvalidDataException">The tensor would be too large.</exception>
    public static void Claim(params ReadOnlySpan<long> shape)
    {
        if (t_current is null)
            return;
        double elements = 1;
        foreach (long size in shape)
            elements *= size;
        if (shape.Length > 16 || elements + t_current._live > MostElements)
            throw new InvalidDataException(
                $"it asks for a tensor of [{string.Join(", ", shape[..Math.Min(shape.Length, 16)].ToArray())}], "
                    + $"which together with existing values exceeds {MostElements} values for a few images"
            );
        foreach (long size in shape)
        {
            if (size < 0)
                throw new InvalidDataException(
                    $"it asks for a tensor of [{string.Join(", ", shape.ToArray())}], which has a negative size"
                );
        }
    }

    /// <summary>Call before doing this many multiplications.</summary>
    /// <exception cref="InvalidDataException">There are too many.</exception>
    public static void Work(double multiplications)
    {
        if (t_current is null)
            return;
        t_current._work += multiplications;
        if (t_current._work > MostWork)
            throw new InvalidDataException($"it asks for more than {MostWork:0e0} multiplications for a few images");
    }

    /// <summary>Call after tensors were made (more elements) or freed (fewer).</summary>
    public static void Count(long elements)
    {
        if (t_current is not null)
            t_current._live += elements;
    }

    public void Dispose() => t_current = null;
}
