namespace Parry.Data.Images;

/// <summary>
/// Antialiased bilinear resizing and center cropping, with exactly the values of torchvision on PIL images: Pillow's
/// separable triangle filter, scaled with the reduction, with weights in fixed point and 8-bit values between the
/// horizontal and the vertical pass.
/// </summary>
public static class Resize
{
    // Of 32 bits Pillow uses 8 for the value and keeps two free for overflow.
    private const int PrecisionBits = 32 - 8 - 2;

    /// <summary>Resizes a picture like Pillow's <c>resize((width, height), BILINEAR)</c>.</summary>
    /// <param name="planes">The values as [C, H, W].</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="height">The new height, at least 1.</param>
    /// <param name="width">The new width, at least 1.</param>
    /// <returns>The values as [C, height, width].</returns>
    public static byte[] Bilinear(ReadOnlySpan<byte> planes, ImageShape shape, int height, int width) =>
        Bilinear(planes, shape, (height, 0, height), (width, 0, width));

    /// <summary>
    /// Resizes a picture and cuts out the middle like torchvision's <c>Resize</c> and <c>CenterCrop</c>: the picture
    /// keeps its proportions and just covers the scaled crop, so that for a square crop the shorter side gets the
    /// length <paramref name="shorterSide"/>. Nothing outside the crop is computed.
    /// </summary>
    /// <param name="planes">The values as [C, H, W].</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="shorterSide">The length to which the crop's shorter side is scaled for resizing; at least the
    /// length of that side.</param>
    /// <param name="height">The crop's height.</param>
    /// <param name="width">The crop's width.</param>
    /// <returns>The values as [C, height, width].</returns>
    /// <exception cref="ArgumentOutOfRangeException">The crop is larger than what it is cut from.</exception>
    public static byte[] BilinearCrop(
        ReadOnlySpan<byte> planes,
        ImageShape shape,
        int shorterSide,
        int height,
        int width
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shorterSide, Math.Min(height, width));
        double scale = shorterSide / (double)Math.Min(height, width);
        var (tall, wide) = ((long)Math.Round(height * scale), (long)Math.Round(width * scale));
        if (shape.Width * tall >= shape.Height * wide)
            wide = Math.Max(wide, (long)(tall * shape.Width / (double)shape.Height));
        else
            tall = Math.Max(tall, (long)(wide * shape.Height / (double)shape.Width));
        return Bilinear(planes, shape, (tall, Offset(tall, height), height), (wide, Offset(wide, width), width));
    }

    /// <summary>Cuts out the middle like torchvision's <c>CenterCrop</c>.</summary>
    /// <param name="planes">The values as [C, H, W].</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="height">The crop's height, at most that of the picture.</param>
    /// <param name="width">The crop's width, at most that of the picture.</param>
    /// <returns>The values as [C, height, width].</returns>
    /// <exception cref="ArgumentOutOfRangeException">The crop is larger than the picture.</exception>
    public static byte[] CenterCrop(ReadOnlySpan<byte> planes, ImageShape shape, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, shape.Height);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, shape.Width);
        return Bilinear(
            planes,
            shape,
            (shape.Height, Offset(shape.Height, height), height),
            (shape.Width, Offset(shape.Width, width), width)
        );
    }

    // Like .NET's, Python's round rounds halves to even.
    private static long Offset(long size, int crop) => (long)Math.Round((size - crop) / 2.0);

    /// <summary>
    /// Resizes to <c>Size</c> in each direction, but computes only <c>Count</c> rows or columns starting at
    /// <c>From</c>.
    /// </summary>
    private static byte[] Bilinear(
        ReadOnlySpan<byte> planes,
        ImageShape shape,
        (long Size, long From, int Count) vertical,
        (long Size, long From, int Count) horizontal
    )
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(planes.Length, shape.Pixels);
        Taps[] rows = Weigh(shape.Height, vertical);
        Taps[] columns = Weigh(shape.Width, horizontal);
        int first = rows[0].From;
        int lines = rows[^1].From + rows[^1].Weights.Length - first;
        int width = columns.Length;
        var between = new byte[lines * width];
        var result = new byte[checked(shape.Channels * rows.Length * width)];
        var sums = new int[width];
        for (int channel = 0; channel < shape.Channels; channel++)
        {
            for (int line = 0; line < lines; line++)
            {
                ReadOnlySpan<byte> source = planes.Slice(
                    ((channel * shape.Height) + first + line) * shape.Width,
                    shape.Width
                );
                Span<byte> target = between.AsSpan(line * width, width);
                for (int x = 0; x < width; x++)
                    target[x] = Weighted(source, columns[x]);
            }

            for (int y = 0; y < rows.Length; y++)
            {
                Array.Fill(sums, 1 << (PrecisionBits - 1));
                for (int i = 0; i < rows[y].Weights.Length; i++)
                {
                    int weight = rows[y].Weights[i];
                    ReadOnlySpan<byte> source = between.AsSpan((rows[y].From - first + i) * width, width);
                    for (int x = 0; x < source.Length; x++)
                        sums[x] += source[x] * weight;
                }

                Span<byte> target = result.AsSpan(((channel * rows.Length) + y) * width, width);
                for (int x = 0; x < target.Length; x++)
                    target[x] = Clip(sums[x]);
            }
        }

        return result;
    }

    private static byte Weighted(ReadOnlySpan<byte> source, Taps taps)
    {
        int sum = 1 << (PrecisionBits - 1);
        ReadOnlySpan<byte> seen = source.Slice(taps.From, taps.Weights.Length);
        for (int i = 0; i < seen.Length; i++)
            sum += seen[i] * taps.Weights[i];
        return Clip(sum);
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> PrecisionBits, 0, 255);

    /// <summary>
    /// Pillow's precompute_coeffs for the triangle filter; a direction whose size does not change passes values
    /// through.
    /// </summary>
    private static Taps[] Weigh(int before, (long Size, long From, int Count) after)
    {
        double scale = before / (double)after.Size;
        double support = Math.Max(scale, 1);
        var taps = new Taps[after.Count];
        for (int i = 0; i < taps.Length; i++)
        {
            double center = (after.From + i + 0.5) * scale;
            int from = Math.Max((int)(center - support + 0.5), 0);
            int to = Math.Min((int)(center + support + 0.5), before);
            var weights = new double[to - from];
            for (int x = 0; x < weights.Length; x++)
                weights[x] = Math.Max(0, 1 - Math.Abs((x + from - center + 0.5) * (1 / support)));
            double sum = weights.Sum();
            taps[i] = new Taps(
                from,
                Array.ConvertAll(weights, weight => (int)(0.5 + (weight / sum * (1 << PrecisionBits))))
            );
        }

        return taps;
    }

    /// <summary>
    /// The source of one new row or column: old ones starting at <c>From</c>, with weights in fixed point.
    /// </summary>
    private readonly record struct Taps(int From, int[] Weights);
}
