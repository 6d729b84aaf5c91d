using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Parry.Data.Files;

namespace Parry.Tests.Data;

/// <summary>Makes small PNG files of every kind, with every filter, the same ones every time.</summary>
internal static class PngMaker
{
    public const int Side = 20;

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

    /// <summary>A picture of 20x20 pixels.</summary>
    /// <param name="bits">Of a sample.</param>
    /// <param name="type">The color type: 0 gray, 2 RGB, 3 palette, 4 gray with alpha, 6 RGB with alpha.</param>
    /// <param name="interlaced">Whether it is written in the passes of Adam7.</param>
    /// <param name="chunks">What stands before the pixels.</param>
    public static byte[] Make(int bits, int type, bool interlaced, params (string Name, byte[] Content)[] chunks)
    {
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        Write(file, "IHDR", [0, 0, 0, Side, 0, 0, 0, Side, (byte)bits, (byte)type, 0, 0, (byte)(interlaced ? 1 : 0)]);
        foreach (var (name, content) in chunks)
        {
            Write(file, name, content);
        }

        using var pixels = new MemoryStream();
        using (var deflate = new ZLibStream(pixels, CompressionLevel.Optimal, leaveOpen: true))
        {
            foreach (var (x, y, stepX, stepY) in interlaced ? s_adam7 : [(0, 0, 1, 1)])
            {
                WritePass(deflate, bits, type, x, y, stepX, stepY);
            }
        }

        Write(file, "IDAT", pixels.ToArray()[..20]);
        Write(file, "IDAT", pixels.ToArray()[20..]);
        Write(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary>
    /// The value that a sample of such a picture has in 8 bits: as stored, and from 16 bits divided by 257.
    /// </summary>
    public static byte Value(int x, int y, int channel, int bits)
    {
        ushort sample = Sample(x, y, channel);
        return bits == 16
            ? (byte)Math.Round(sample / 257.0)
            : (byte)((sample >> (16 - bits)) * 255 / ((1 << bits) - 1));
    }

    /// <summary>The color of the palette that a pixel of such a picture has.</summary>
    public static int Entry(int x, int y, int bits) => Sample(x, y, 0) >> (16 - bits);

    /// <summary>A palette of 256 colors.</summary>
    public static byte[] Palette() => [.. Enumerable.Range(0, 768).Select(i => (byte)(i * 37))];

    private static void WritePass(Stream target, int bits, int type, int x, int y, int stepX, int stepY)
    {
        int samples = type switch
        {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        int width = (Side - x + stepX - 1) / stepX;
        int pixel = Math.Max(1, samples * bits / 8);
        byte[] above = new byte[((width * samples * bits) + 7) / 8];
        for (int line = y; line < Side; line += stepY)
        {
            byte[] row = new byte[above.Length];
            for (int i = 0; i < width * samples; i++)
            {
                Put(row, i, bits, Sample(x + (i / samples * stepX), line, i % samples));
            }

            int filter = line % 5;
            target.WriteByte((byte)filter);
            for (int i = 0; i < row.Length; i++)
            {
                int left = i < pixel ? 0 : row[i - pixel];
                int corner = i < pixel ? 0 : above[i - pixel];
                int[] guesses = [0, left, above[i], (left + above[i]) / 2, Paeth(left, above[i], corner)];
                target.WriteByte((byte)(row[i] - guesses[filter]));
            }

            above = row;
        }
    }

    /// <summary>The value that a sample of such a picture has in 16 bits.</summary>
    /// <remarks>Smooth over the picture, and the second and fourth channel reach 0 and the largest value, as alpha
    /// does.</remarks>
    public static ushort Sample(int x, int y, int channel) =>
        channel % 2 == 0
            ? (ushort)((x * 3121) + (y * 97) + (channel * 1234))
            : (ushort)Math.Clamp((y * 4600) - 12_000 + (x * 11), 0, 65_535);

    private static void Put(byte[] row, int index, int bits, ushort sample)
    {
        if (bits == 16)
        {
            BinaryPrimitives.WriteUInt16BigEndian(row.AsSpan(index * 2), sample);
            return;
        }

        int place = index * bits;
        row[place / 8] |= (byte)((sample >> (16 - bits)) << (8 - bits - (place % 8)));
    }

    private static int Paeth(int left, int above, int corner)
    {
        int guess = left + above - corner;
        return new[] { left, above, corner }.MinBy(value => Math.Abs(guess - value));
    }

    private static void Write(Stream target, string name, byte[] content)
    {
        byte[] chunk = [.. Encoding.ASCII.GetBytes(name), .. content];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        target.Write(number);
        target.Write(chunk);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.Of(chunk));
        target.Write(number);
    }
}
