using Parry.Models.Onnx.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Onnx.Operators;

/// <summary>
/// How a window moves over its input: strides, dilations and padding, given or computed for each input.
/// </summary>
internal sealed class OnnxWindow
{
    private const long Largest = 1 << 16;

    private readonly long[]? _strides;
    private readonly long[]? _dilations;
    private readonly long[]? _pads;
    private readonly string _autoPad;

    private OnnxWindow(OnnxNode node)
    {
        (_strides, _dilations, _pads) = (node.Ints("strides"), node.Ints("dilations"), node.Ints("pads"));
        _autoPad = node.Text("auto_pad", "NOTSET");
        if (_autoPad is not ("NOTSET" or "VALID" or "SAME_UPPER" or "SAME_LOWER"))
            throw node.Refused($"has the auto_pad \"{_autoPad}\"");
        foreach (long value in (long[])[.. _strides ?? [], .. _dilations ?? []])
        {
            if (value is < 1 or > Largest)
                throw node.Refused($"has the stride or dilation {value}");
        }

        foreach (long value in _pads ?? [])
        {
            if (value is < 0 or > Largest)
                throw node.Refused($"pads by {value}");
        }
    }

    public static OnnxWindow Of(OnnxNode node) => new(node);

    public long[] Strides(int rank) => Sized(_strides, rank, "strides") ?? [.. Enumerable.Repeat(1L, rank)];

    public long[] Dilations(int rank) => Sized(_dilations, rank, "dilations") ?? [.. Enumerable.Repeat(1L, rank)];

    /// <summary>Checks the input [N, C, H, W] of a pool; other ranks are refused.</summary>
    public static Tensor Planes(Tensor x, long[] kernel) =>
        x.shape.Length == 4 && kernel.Length == 2 && kernel.All(size => size is >= 1 and <= Largest)
            ? x
            : throw new InvalidDataException(
                $"it pools {x.Describe()} by [{string.Join(", ", kernel)}]; expected two dimensions"
            );

    /// <summary>
    /// Pads the input if the amounts at the two ends differ, and gives the padding that is left to the operator.
    /// </summary>
    /// <param name="x">[N, C, …].</param>
    /// <param name="kernel">The window's sizes.</param>
    /// <param name="value">The value of the padding.</param>
    /// <param name="most">The operator itself pads by at most the kernel size divided by this; 0 for any
    /// amount.</param>
    public (Tensor Padded, long[] Padding) Pad(Tensor x, long[] kernel, double value, int most = 0)
    {
        int rank = kernel.Length;
        if (x.shape.Length != rank + 2)
            throw new InvalidDataException($"its window [{string.Join(", ", kernel)}] does not fit {x.Describe()}");
        long[] begin = new long[rank];
        long[] end = new long[rank];
        long[] strides = Strides(rank);
        long[] dilations = Dilations(rank);
        if (_autoPad == "NOTSET")
        {
            if (_pads is not null)
                (begin, end) = (Sized(_pads, 2 * rank, "pads")![..rank], _pads[rank..]);
        }
        else if (_autoPad != "VALID")
        {
            for (int i = 0; i < rank; i++)
            {
                long size = x.size(2 + i);
                long steps = (size + strides[i] - 1) / strides[i];
                long all = Math.Max(0, ((steps - 1) * strides[i]) + ((kernel[i] - 1) * dilations[i]) + 1 - size);
                (begin[i], end[i]) = _autoPad == "SAME_UPPER" ? (all / 2, all - (all / 2)) : (all - (all / 2), all / 2);
            }
        }

        if (begin.SequenceEqual(end) && (most == 0 || begin.Zip(kernel).All(pair => pair.First <= pair.Second / most)))
            return (x, begin);
        OnnxGuard.Claim([
            x.size(0),
            x.size(1),
            .. Enumerable.Range(0, rank).Select(i => x.size(2 + i) + begin[i] + end[i]),
        ]);
        return (
            nn.functional.pad(
                x,
                [.. Enumerable.Range(0, rank).Reverse().SelectMany(i => new[] { begin[i], end[i] })],
                value: value
            ),
            new long[rank]
        );
    }

    /// <summary>How often a window fits along each dimension; 0 where it does not.</summary>
    /// <param name="padded">[N, C, …], padded as far as the operator does not do it.</param>
    /// <param name="padding">What the operator pads at both ends.</param>
    /// <param name="kernel">The window's sizes.</param>
    public long[] Positions(Tensor padded, long[] padding, long[] kernel)
    {
        long[] strides = Strides(kernel.Length);
        long[] dilations = Dilations(kernel.Length);
        return
        [
            .. kernel.Select(
                (size, i) =>
                    Math.Max(
                        0,
                        ((padded.size(2 + i) + (2 * padding[i]) - (dilations[i] * (size - 1)) - 1) / strides[i]) + 1
                    )
            ),
        ];
    }

    /// <summary>Estimates a pool before it runs; it may round the number of windows up.</summary>
    public void ClaimPool(Tensor padded, long[] padding, long[] kernel)
    {
        long[] positions = [.. Positions(padded, padding, kernel).Select(count => count + 1)];
        OnnxGuard.Claim([padded.size(0), padded.size(1), .. positions]);
        double window = kernel.Select((size, i) => (double)Math.Min(size, padded.size(2 + i))).Aggregate(1.0, Times);
        OnnxGuard.Work(positions.Aggregate(window * padded.size(0) * padded.size(1), (all, size) => all * size));
        static double Times(double a, double b) => a * b;
    }

    /// <summary>How much to cut off at each end of a transposed convolution computed without padding.</summary>
    public (long[] Begin, long[] End) Cuts(long[] full, long[]? outputShape, long[] strides, long[] input)
    {
        int rank = full.Length;
        if (outputShape is null && _autoPad is "NOTSET" or "VALID")
            return _pads is null || _autoPad == "VALID"
                ? (new long[rank], new long[rank])
                : (Sized(_pads, 2 * rank, "pads")![..rank], _pads[rank..]);
        var (begin, end) = (new long[rank], new long[rank]);
        for (int i = 0; i < rank; i++)
        {
            long all =
                full[i] - (outputShape is null ? input[i] * strides[i] : outputShape[outputShape.Length - rank + i]);
            if (all < 0)
                throw new InvalidDataException($"it gives {full[i]} values along an axis, fewer than its output_shape");
            (begin[i], end[i]) = _autoPad == "SAME_UPPER" ? (all / 2, all - (all / 2)) : (all - (all / 2), all / 2);
        }

        return (begin, end);
    }

    private static long[]? Sized(long[]? values, int rank, string what) =>
        values is null || values.Length == rank
            ? values
            : throw new InvalidDataException($"it has {values.Length} {what}; expected {rank}");
}
