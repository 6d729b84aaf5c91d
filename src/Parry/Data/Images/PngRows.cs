using System.Buffers.Binary;
using System.IO.Compression;

namespace Parry.Data.Images;

/// <summary>The rows of a PNG's pixels.</summary>
/// <param name="Shape">The shape that the header declares.</param>
/// <param name="Samples">The samples of a pixel, with alpha if there is one.</param>
/// <param name="Bits">The bits of a sample.</param>
/// <param name="Interlaced">Whether the pixels come in the seven passes of Adam7.</param>
internal sealed record PngRows(ImageShape Shape, int Samples, int Bits, bool Interlaced)
{
    private static readonly (int X, int Y, int StepX, int StepY)[] s_adam7 =
    [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];

    private (int X, int Y, int StepX, int StepY)[] Passes => Interlaced ? s_adam7 : [(0, 0, 1, 1)];

    /// <summary>Refuses pixels that are damaged or too few.</summary>
    /// <param name="deflated">The content of all IDAT chunks.</param>
    /// <exception cref="InvalidDataException">The pixels are damaged or too few.</exception>
    public void Check(Stream deflated) => Inflate(deflated, (_, filter, _, _, _, _) => CheckFilter(filter));

    /// <summary>
    /// Reads the planes of a file with 16 bits per sample, of which Skia returns only the first 8 bits or a rounded
    /// half-precision number.
    /// </summary>
    /// <param name="deflated">The content of all IDAT chunks.</param>
    /// <param name="transparent">The content of the chunk tRNS, the color that is transparent, or null.</param>
    /// <returns>The values as [C, H, W], and whether a pixel is transparent.</returns>
    /// <exception cref="InvalidDataException">The pixels are damaged or cut off.</exception>
    public (ushort[] Planes, bool Transparent) ReadWide(Stream deflated, byte[]? transparent)
    {
        var planes = new ushort[Shape.Pixels];
        bool anyTransparent = false;
        Inflate(
            deflated,
            (row, filter, above, x, y, step) =>
            {
                Unfilter(filter, row, above, Samples * 2);
                anyTransparent |= Put(row, planes.AsSpan((y * Shape.Width) + x), step, transparent);
            }
        );
        return (planes, anyTransparent);
    }

    private void Inflate(Stream deflated, Action<byte[], int, byte[], int, int, int> take)
    {
        using var stream = new ZLibStream(deflated, CompressionMode.Decompress);
        try
        {
            foreach (var (x, y, stepX, stepY) in Passes)
            {
                int width = (Shape.Width - x + stepX - 1) / stepX;
                byte[] row = new byte[(((long)width * Samples * Bits) + 7) / 8];
                byte[] above = new byte[row.Length];
                for (int line = y; width > 0 && line < Shape.Height; line += stepY)
                {
                    int filter = stream.ReadByte();
                    stream.ReadExactly(row);
                    take(row, filter, above, x, line, stepX);
                    (row, above) = (above, row);
                }
            }

            // The checksum is compared only at the end of the stream.
            _ = stream.ReadByte();
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException("expected an undamaged PNG: it is cut off or corrupt", e);
        }
        catch (Exception e) when (e is InvalidDataException or IOException) // zlib's own error is an IOException
        {
            throw new InvalidDataException("expected an undamaged PNG: its content is corrupt", e);
        }
    }

    private static void CheckFilter(int filter)
    {
        if (filter is < 0 or > 4)
            throw new InvalidDataException();
    }

    private static void Unfilter(int filter, byte[] row, byte[] above, int pixel)
    {
        CheckFilter(filter);
        for (int i = 0; i < row.Length; i++)
        {
            int left = i < pixel ? 0 : row[i - pixel];
            int corner = i < pixel ? 0 : above[i - pixel];
            row[i] += (byte)(
                filter switch
                {
                    1 => left,
                    2 => above[i],
                    3 => (left + above[i]) / 2,
                    4 => Paeth(left, above[i], corner),
                    _ => 0,
                }
            );
        }
    }

    private static int Paeth(int left, int above, int corner)
    {
        int toLeft = Math.Abs(above - corner);
        int toAbove = Math.Abs(left - corner);
        int toCorner = Math.Abs(left + above - (2 * corner));
        if (toLeft <= toAbove && toLeft <= toCorner)
            return left;
        return toAbove <= toCorner ? above : corner;
    }

    /// <summary>Writes a row to the planes, and returns whether one of its pixels is transparent.</summary>
    private bool Put(byte[] row, Span<ushort> planes, int step, byte[]? transparent)
    {
        int plane = Shape.Height * Shape.Width;
        bool anyTransparent = false;
        for (int i = 0; i * Samples * 2 < row.Length; i++)
        {
            ReadOnlySpan<byte> pixel = row.AsSpan(i * Samples * 2, Samples * 2);
            anyTransparent |= pixel.SequenceEqual(transparent);
            if (Samples > Shape.Channels)
                anyTransparent |= pixel[^2..] is not [byte.MaxValue, byte.MaxValue];
            for (int channel = 0; channel < Shape.Channels; channel++)
            {
                ushort value = BinaryPrimitives.ReadUInt16BigEndian(pixel[(channel * 2)..]);
                planes[(channel * plane) + (i * step)] = value;
            }
        }

        return anyTransparent;
    }
}
