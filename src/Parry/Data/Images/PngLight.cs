using System.Buffers.Binary;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace Parry.Data.Images;

/// <summary>
/// Brings a PNG's values to sRGB as libpng's simplified interface does: by the gamma that it names, or 1 for 16 bits
/// without any; transparent pixels are laid over black, in light.
/// </summary>
/// <param name="Gamma">What the file's values were raised to.</param>
/// <param name="IsWide">Whether more than 8 bits are needed.</param>
internal readonly record struct PngLight(double Gamma, bool IsWide)
{
    private const double Srgb = 0.45455;

    // libpng ignores less.
    private const double Significant = 0.05;

    private double Exponent => Math.Abs((Srgb / Gamma) - 1) > Significant ? Srgb / Gamma : 1;

    /// <summary>From a file's chunks and the bits of its samples.</summary>
    public static PngLight Of(Dictionary<string, byte[]> chunks, int bits)
    {
        double gamma = bits == 16 ? 1 : Srgb;
        if (chunks.TryGetValue("gAMA", out byte[]? named) && named.Length == 4)
        {
            uint value = BinaryPrimitives.ReadUInt32BigEndian(named);
            gamma = value is >= 16 and <= 625_000_000 ? value / 1e5 : gamma;
        }

        if (chunks.ContainsKey("sRGB"))
        {
            gamma = Srgb;
        }

        var light = new PngLight(gamma, false);
        return light with { IsWide = bits == 16 && light.Exponent != 1 };
    }

    /// <summary>Changes the pixels where they are; wide ones become 8-bit RGBA at their start.</summary>
    public void Apply(SKBitmap bitmap)
    {
        Span<byte> pixels = bitmap.GetPixelSpan();
        if (IsWide)
        {
            Span<Half> wide = MemoryMarshal.Cast<byte, Half>(pixels);
            for (int i = 0; i < wide.Length; i++)
            {
                int alpha = (int)Math.Round(255 * (double)wide[i | 3]);
                pixels[i] = i % 4 == 3 ? (byte)alpha : Value((double)wide[i], alpha);
            }

            return;
        }

        byte[] opaque = new byte[256];
        for (int value = 0; value < 256; value++)
        {
            opaque[value] = Value(value / 255.0, 255);
        }

        int step = bitmap.BytesPerPixel;
        for (int i = 0; i < pixels.Length; i++)
        {
            int alpha = step == 1 ? 255 : pixels[i | 3];
            if (step == 1 || i % 4 != 3)
            {
                pixels[i] = alpha == 255 ? opaque[pixels[i]] : Value(pixels[i] / 255.0, alpha);
            }
        }
    }

    private static byte Byte(double value) => (byte)Math.Floor((255 * value) + 0.5);

    private byte Value(double stored, int alpha)
    {
        if (alpha == 255)
        {
            return Byte(Math.Pow(stored, Exponent));
        }

        double light = Byte(Byte(Math.Pow(stored, 1 / Gamma)) * alpha / 65025.0) / 255.0;
        return Byte(light <= 0.0031308 ? light * 12.92 : (1.055 * Math.Pow(light, 1 / 2.4)) - 0.055);
    }
}
