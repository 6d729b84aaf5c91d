namespace Parry.Models.Onnx.Operators;

/// <summary>
/// Bounds the cost of a graph during its trial run: every node's is estimated before it runs. A file of a few bytes can
/// ask for a tensor of terabytes or a convolution that takes hours; images of usual sizes need far less than these
/// bounds.
/// </summary>
internal sealed class OnnxGuard : IDisposable
{
    private const double ValuesPerGibibyte = 1L << 28;
    private const double WorkPerGibibyte = 2e12;

    /// <summary>
    /// What it costs to touch one value, in multiplications: memory is this much slower than arithmetic.
    /// </summary>
    private const double Touch = 50;

    private const int MostDimensions = 16;

    [ThreadStatic]
    private static OnnxGuard? t_current;

    private readonly double _gibibytes;
    private double _live;
    private double _work;

    /// <summary>Guards this thread until disposed.</summary>
    /// <param name="gibibytes">The memory that a graph may take for a few images; its work is bounded alike.</param>
    public OnnxGuard(double gibibytes) => (_gibibytes, t_current) = (gibibytes, this);

    /// <summary>Call before making a tensor of this shape.</summary>
    /// <exception cref="InvalidDataException">The tensor would be too large, or a size is negative.</exception>
    public static void Claim(params ReadOnlySpan<long> shape)
    {
        double values = 1;
        foreach (long size in shape)
        {
            if (size < 0)
                throw new InvalidDataException($"it asks for a tensor of {Text(shape)}, which has a negative size");
            values *= size;
        }

        if (t_current is not { } guard)
            return;
        if (shape.Length > MostDimensions || values + guard._live > ValuesPerGibibyte * guard._gibibytes)
            throw new InvalidDataException(
                $"it asks for a tensor of {Text(shape)}, which together with existing values takes more than "
                    + guard.Bound()
            );
        Work(Touch * values);
    }

    /// <summary>Call before doing this many multiplications.</summary>
    /// <exception cref="InvalidDataException">There are too many.</exception>
    public static void Work(double multiplications)
    {
        if (t_current is not { } guard)
            return;
        guard._work += multiplications;
        if (!(guard._work <= WorkPerGibibyte * guard._gibibytes))
            throw new InvalidDataException(
                $"it asks for {multiplications:0e0} multiplications, with which the graph exceeds the work allowed for "
                    + guard.Bound()
            );
    }

    /// <summary>Call after tensors were made (more values) or freed (fewer).</summary>
    public static void Count(long values)
    {
        if (t_current is not null)
            t_current._live += values;
    }

    /// <summary>Call before another trial of the graph: the values of the last one are gone.</summary>
    public static void Restart()
    {
        if (t_current is not null)
            t_current._live = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => t_current = null;

    private string Bound() =>
        FormattableString.Invariant($"{_gibibytes:0.###} GiB for a few images: raise the bound (--model-memory) ")
        + "if the file comes from somebody you trust";

    private static string Text(ReadOnlySpan<long> shape) =>
        $"[{string.Join(", ", shape[..Math.Min(shape.Length, MostDimensions)].ToArray())}]";
}
