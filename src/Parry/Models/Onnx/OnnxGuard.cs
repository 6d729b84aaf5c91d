namespace Parry.Models.Onnx;

/// <summary>
/// Bounds what a graph may cost while it is tried out. A file of a few bytes can ask for a tensor of terabytes or a
/// convolution of hours; images of a size that people classify need far less than these limits.
/// </summary>
internal sealed class OnnxGuard : IDisposable
{
    private const long MostElements = 1L << 28;
    private const double MostWork = 2e12;

    [ThreadStatic]
    private static OnnxGuard? t_current;

    private long _live;
    private double _work;

    /// <summary>Begins to guard this thread, until it is disposed.</summary>
    public OnnxGuard() => t_current = this;

    /// <summary>Before a tensor of this shape is made.</summary>
    /// <exception cref="InvalidDataException">It would be too large.</exception>
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
                    + $"which with what is there already is above {MostElements} values for a few images"
            );
        foreach (long size in shape)
        {
            if (size < 0)
                throw new InvalidDataException(
                    $"it asks for a tensor of [{string.Join(", ", shape.ToArray())}], which has a negative size"
                );
        }
    }

    /// <summary>Before this many multiplications are done.</summary>
    /// <exception cref="InvalidDataException">They are too many.</exception>
    public static void Work(double multiplications)
    {
        if (t_current is null)
            return;
        t_current._work += multiplications;
        if (t_current._work > MostWork)
            throw new InvalidDataException($"it asks for more than {MostWork:0e0} multiplications for a few images");
    }

    /// <summary>After tensors were made (more elements) or freed (fewer).</summary>
    public static void Count(long elements)
    {
        if (t_current is not null)
            t_current._live += elements;
    }

    public void Dispose() => t_current = null;
}
