using System.Buffers.Binary;

namespace Parry.Data.Images;

/// <summary>
/// Converts a PNG's values to 8-bit sRGB like libpng's simplified interface: with the gamma in the file, or 1 for 16
/// bits without one. Transparent pixels are composed over black, in linear light.
/// </summary>
internal sealed class PngLight
{
    private const double Srgb = 0.45455;
    private const double Screen = 2.2;
    private const uint SmallestGamma = 16;
    private const uint LargestGamma = 625_000_000;

    // libpng ignores smaller differences, and uses the first 11 of 16 bits.
    private const double Significant = 0.05;
    private const int TableBits = 11;
    private readonly double _gamma;
    private readonly byte[] _bytes = new byte[256];
    private readonly byte[] _lit;
    private readonly byte[]? _wide;

    private PngLight(double gamma, bool wide, bool palette)
    {
        _gamma = gamma;
        _lit = LitTable(palette);
        double exponent = Math.Round(1e5 / (gamma * Screen)) / 1e5;
        bool plain = Math.Abs(exponent - 1) <= Significant;
        for (int value = 0; value < 256; value++)
            _bytes[value] = plain ? (byte)value : Byte(Math.Pow(value / 255.0, exponent));
        _wide = wide && !plain ? WideTable(gamma * Screen) : null;
    }

    /// <summary>Reads the chunks before a file's pixels.</summary>
    public static PngLight Of(Dictionary<string, byte[]> chunks, bool wide, bool palette)
    {
        double gamma = wide ? 1 : Srgb;
        if (chunks.ContainsKey("sRGB"))
        {
            gamma = Srgb;
        }
        else if (chunks.TryGetValue("gAMA", out byte[]? named) && named.Length == 4)
        {
            uint value = BinaryPrimitives.ReadUInt32BigEndian(named);
            gamma = value is >= SmallestGamma and <= LargestGamma ? value / 1e5 : gamma;
        }

        return new PngLight(gamma, wide, palette);
    }

    /// <summary>Converts a sample of 8 bits.</summary>
    public byte Narrow(byte value, byte alpha) =>
        alpha == 255 ? _bytes[value] : OverBlack(value / 255.0, alpha / 255.0);

    /// <summary>Converts a sample of 16 bits.</summary>
    public byte Wide(ushort value, ushort alpha)
    {
        if (alpha != ushort.MaxValue)
            return OverBlack(value / 65535.0, alpha / 65535.0);
        return _wide is null ? (byte)(((value * 255) + 32_895) >> 16) : _wide[value >> (16 - TableBits)];
    }

    /// <summary>libpng's png_build_16to8_table.</summary>
    private static byte[] WideTable(double exponent)
    {
        var table = new byte[1 << TableBits];
        Array.Fill(table, byte.MaxValue);
        int next = 0;
        for (int value = 0; value < 255; value++)
        {
            double bound = Math.Floor((65535 * Math.Pow(((value * 257) + 128) / 65535.0, exponent)) + 0.5);
            int end = (int)(((bound * ((1 << TableBits) - 1)) + 32_768) / 65535) + 1;
            while (next < end)
            {
                table[next] = (byte)value;
                next++;
            }
        }

        return table;
    }

    private static byte Byte(double value) => (byte)Math.Floor((255 * value) + 0.5);

    /// <summary>The sRGB curve, or for palettes a power, including two errors of libpng.</summary>
    private static byte[] LitTable(bool palette)
    {
        var table = new byte[256];
        for (int value = 0; value < 256; value++)
        {
            double light = value / 255.0;
            double curve = light <= 0.0031308 ? light * 12.92 : (1.055 * Math.Pow(light, 1 / 2.4)) - 0.055;
            table[value] = Byte(palette ? Math.Pow(light, Srgb) : curve);
        }

        if (!palette)
        {
            table[110] = 176;
            table[129] = 188;
        }

        return table;
    }

    private byte OverBlack(double value, double alpha) => _lit[Byte(Byte(Math.Pow(value, 1 / _gamma)) / 255.0 * alpha)];
}
