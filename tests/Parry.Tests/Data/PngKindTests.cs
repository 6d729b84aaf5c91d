using System.IO.Compression;
using Parry.Data.Images;

namespace Parry.Tests.Data;

/// <summary>
/// PNG files of every kind come out with their stored values, as from Pillow; 16 bits are divided by 257.
/// </summary>
public class PngKindTests
{
    [Theory]
    [InlineData(1, 0, false, "")]
    [InlineData(2, 0, true, "")]
    [InlineData(4, 0, false, "")]
    [InlineData(8, 0, false, "")]
    [InlineData(8, 0, true, "")]
    [InlineData(8, 0, false, "gamma")]
    [InlineData(16, 0, false, "")]
    [InlineData(16, 0, true, "srgb")]
    [InlineData(16, 0, false, "gamma")]
    [InlineData(8, 2, false, "")]
    [InlineData(8, 2, true, "gamma")]
    [InlineData(8, 2, false, "srgb")]
    [InlineData(8, 2, false, "chromaticity")]
    [InlineData(8, 2, false, "profile")]
    [InlineData(16, 2, false, "")]
    [InlineData(16, 2, true, "srgb")]
    [InlineData(16, 2, false, "gamma")]
    [InlineData(8, 4, false, "")]
    [InlineData(8, 4, true, "gamma")]
    [InlineData(16, 4, true, "srgb")]
    [InlineData(8, 6, false, "")]
    [InlineData(8, 6, false, "srgb")]
    [InlineData(16, 6, true, "gamma")]
    [InlineData(8, 0, false, "key")]
    [InlineData(16, 0, false, "key")]
    public void A_png_has_its_stored_values(int bits, int type, bool interlaced, string chunks)
    {
        var (shape, planes) = Png.Decode(PngMaker.Make(bits, type, interlaced, Chunks(chunks, bits)));
        Assert.Equal(new ImageShape(type is 0 or 4 ? 1 : 3, PngMaker.Side, PngMaker.Side), shape);
        Assert.Equal(Values(shape.Channels, (x, y, channel) => PngMaker.Value(x, y, channel, bits)), planes);
    }

    [Theory]
    [InlineData(4, false, "palette")]
    [InlineData(8, true, "palette")]
    [InlineData(8, true, "transparent")]
    public void A_png_with_a_palette_has_the_colors_of_the_palette(int bits, bool interlaced, string chunks)
    {
        byte[] palette = PngMaker.Palette();
        byte[] planes = Png.Decode(PngMaker.Make(bits, 3, interlaced, Chunks(chunks, bits))).Planes;
        Assert.Equal(Values(3, (x, y, channel) => palette[(3 * PngMaker.Entry(x, y, bits)) + channel]), planes);
    }

    [Theory]
    [InlineData(8, 2, "", PictureTraits.None)]
    [InlineData(8, 6, "", PictureTraits.Transparent)]
    [InlineData(8, 4, "", PictureTraits.Transparent)]
    [InlineData(8, 3, "transparent", PictureTraits.Transparent)]
    [InlineData(8, 0, "absent key", PictureTraits.None)]
    [InlineData(16, 0, "", PictureTraits.SixteenBits)]
    [InlineData(16, 6, "", PictureTraits.SixteenBits | PictureTraits.Transparent)]
    [InlineData(16, 2, "orientation", PictureTraits.SixteenBits | PictureTraits.Turned)]
    [InlineData(8, 2, "animation", PictureTraits.Animated)]
    internal void What_is_remarkable_about_a_png_is_told(int bits, int type, string chunks, PictureTraits traits) =>
        Assert.Equal(traits, Png.Read(PngMaker.Make(bits, type, false, Chunks(chunks, bits))).Traits);

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
    }

    [Fact]
    public void What_is_beside_the_pixels_may_be_damaged_and_is_told()
    {
        byte[] whole = PngMaker.Make(8, 2, false, ("tEXt", [65, 0, 66]));
        byte[] damaged = [.. whole];
        damaged[damaged.AsSpan().IndexOf("tEXt"u8) + 5] ^= 1;
        byte[][] files = [damaged, whole[..^12]];
        foreach (byte[] file in files)
        {
            DecodedPicture picture = Png.Read(file);
            Assert.Equal(PictureTraits.Faulty, picture.Traits);
            Assert.Equal(Png.Decode(whole).Planes, picture.Planes);
        }

        Assert.Equal(PictureTraits.None, Png.Read([.. whole, 1, 2, 3]).Traits);
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_png_files_of_sixteen_bits_are_survived()
    {
        byte[][] samples = [PngMaker.Make(16, 2, false), PngMaker.Make(16, 6, true), PngMaker.Make(16, 0, true)];
        long Bound(long size) => (256 << 10) + (2 * 24 * 1032 * size);
        Fuzz.Run(samples, Bound, file => Png.Decode(ImagesTests.Resummed(file), 3));
    }

    private static byte[] Values(int channels, Func<int, int, int, byte> value) =>
        [
            .. from channel in Enumerable.Range(0, channels)
            from y in Enumerable.Range(0, PngMaker.Side)
            from x in Enumerable.Range(0, PngMaker.Side)
            select value(x, y, channel),
        ];

    private static byte[] Deflated(byte[] content)
    {
        using var memory = new MemoryStream();
        using (var stream = new ZLibStream(memory, CompressionLevel.Optimal))
            stream.Write(content);
        return memory.ToArray();
    }

    private static byte[] Alphas() => [.. Enumerable.Range(0, 200).Select(i => (byte)(i * 3))];

    private static string Refusal(byte[] file) => Assert.Throws<InvalidDataException>(() => Png.Decode(file)).Message;

    private static (string Name, byte[] Content)[] Chunks(string kind, int bits) =>
        kind switch
        {
            "gamma" => [("gAMA", [0, 0, 0xd9, 4])],
            "srgb" => [("sRGB", [0])],
            "chromaticity" => [("cHRM", [.. Enumerable.Range(0, 32).Select(i => (byte)(i % 4 == 2 ? 90 + i : 0))])],
            "profile" => [("iCCP", [(byte)'x', 0, 0, .. Deflated([1, 2, 3])])],
            "orientation" => [("eXIf", [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0])],
            "animation" => [("acTL", [0, 0, 0, 2, 0, 0, 0, 0])],
            "absent key" => [("tRNS", [0, 10])],
            "palette" => [("PLTE", PngMaker.Palette()[..(3 << bits)])],
            "transparent" => [("PLTE", PngMaker.Palette()), ("tRNS", Alphas())],
            "key" => [("tRNS", [0, 97])],
            _ => [],
        };
}
