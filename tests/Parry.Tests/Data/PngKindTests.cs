using System.Security.Cryptography;
using Parry.Data.Images;

namespace Parry.Tests.Data;

/// <summary>PNG files of every kind have the pixels that libpng's simplified interface, 1.6.39, made of them.</summary>
public class PngKindTests
{
    [Theory]
    [InlineData(1, 0, false, "", "135A825422E047AB")]
    [InlineData(2, 0, true, "", "E464805AC793ED44")]
    [InlineData(4, 0, false, "", "D31C2F1F120AF052")]
    [InlineData(8, 0, false, "", "80ED53F69965947F")]
    [InlineData(8, 0, true, "", "80ED53F69965947F")]
    [InlineData(8, 0, false, "gamma", "A7CE578FCC574A98")]
    [InlineData(16, 0, false, "", "32D5AF876581C102")]
    [InlineData(16, 0, false, "srgb", "662EDD43BACC3417")]
    [InlineData(16, 0, true, "srgb", "662EDD43BACC3417")]
    [InlineData(16, 0, false, "gamma", "760E20A65D53CFC3")]
    [InlineData(8, 2, false, "", "1D0ED91EC8AF0E3F")]
    [InlineData(8, 2, true, "gamma", "74433EEE90E57DBD")]
    [InlineData(8, 2, false, "srgb", "1D0ED91EC8AF0E3F")]
    [InlineData(16, 2, false, "", "B66F8C426A4F50C1")]
    [InlineData(16, 2, false, "srgb", "C794439235B9EE23")]
    [InlineData(16, 2, true, "srgb", "C794439235B9EE23")]
    [InlineData(16, 2, false, "gamma", "709ED7B588928B23")]
    [InlineData(4, 3, false, "palette", "491DDCC6BD5F5267")]
    [InlineData(8, 3, false, "palette", "99B22B0CF8378545")]
    [InlineData(8, 3, true, "transparent", "20D2A419D64D4D29")]
    [InlineData(8, 4, false, "", "83BC72E25F1D397B")]
    [InlineData(8, 4, true, "gamma", "C922FC73BF9807BE")]
    [InlineData(8, 6, false, "", "4E2A4C86D895BD37")]
    [InlineData(8, 6, false, "srgb", "4E2A4C86D895BD37")]
    [InlineData(8, 0, false, "key", "E7D7EFBC2175A60E")]
    [InlineData(16, 0, false, "key", "5CD0506764E5FF10")]
    public void A_png_has_the_pixels_it_always_had(int bits, int type, bool interlaced, string chunks, string hash)
    {
        byte[] planes = Png.Decode(PngMaker.Make(bits, type, interlaced, Chunks(chunks, bits))).Planes;
        Assert.Equal(hash, Convert.ToHexString(SHA256.HashData(planes))[..16]);
    }

    /// <summary>libpng 1.6.39 took some alpha below 1 for 1 here, and light for values.</summary>
    [Theory]
    [InlineData(4, 8)]
    [InlineData(6, 13)]
    public void Sixteen_bits_with_alpha_are_nearly_eight_bits_with_alpha(int type, int most)
    {
        byte[] wide = Png.Decode(PngMaker.Make(16, type, true, Chunks("srgb", 16))).Planes;
        byte[] narrow = Png.Decode(PngMaker.Make(8, type, false, Chunks("srgb", 8))).Planes;
        Assert.All(wide.Zip(narrow), pair => Assert.InRange(pair.First - pair.Second, -most, most));
        Assert.InRange(wide.Average(value => value) - narrow.Average(value => value), -0.5, 0.5);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void A_wrong_checksum_or_a_cut_is_refused(int bits)
    {
        byte[] file = PngMaker.Make(bits, 2, false, ("tEXt", [65, 0, 66]));
        int pixels = file.AsSpan().IndexOf("IDAT"u8);
        foreach (int damaged in new[] { 20, 30, pixels + 4, pixels + 24, file.Length - 17 })
        {
            byte[] copy = [.. file];
            copy[damaged] ^= 1;
            Assert.StartsWith("expected an undamaged PNG: ", Refusal(copy), StringComparison.Ordinal);
        }

        for (int length = 8; length < file.Length - 12; length++)
        {
            Assert.StartsWith("expected an undamaged PNG: ", Refusal(file[..length]), StringComparison.Ordinal);
        }

        // What is beside the pixels may be damaged.
        file[file.AsSpan().IndexOf("tEXt"u8) + 5] ^= 1;
        Assert.Equal(new ImageShape(3, 20, 20), Png.Decode(file).Shape);
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_png_files_of_sixteen_bits_are_survived()
    {
        byte[][] samples = [PngMaker.Make(16, 2, false), PngMaker.Make(16, 6, true), PngMaker.Make(16, 0, true)];
        long Bound(long size) => (256 << 10) + (2 * 24 * 1032 * size);
        Fuzz.Run(samples, Bound, file => Png.Decode(ImagesTests.Resummed(file), 3));
    }

    private static byte[] Alphas() => [.. Enumerable.Range(0, 200).Select(i => (byte)(i * 3))];

    private static string Refusal(byte[] file) => Assert.Throws<InvalidDataException>(() => Png.Decode(file)).Message;

    private static (string Name, byte[] Content)[] Chunks(string kind, int bits) =>
        kind switch
        {
            "gamma" => [("gAMA", [0, 0, 0xd9, 4])],
            "srgb" => [("sRGB", [0])],
            "palette" => [("PLTE", PngMaker.Palette()[..(3 << bits)])],
            "transparent" => [("PLTE", PngMaker.Palette()), ("tRNS", Alphas())],
            "key" => [("tRNS", [0, 97])],
            _ => [],
        };
}
