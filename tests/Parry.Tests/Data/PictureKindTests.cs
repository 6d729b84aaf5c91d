using System.Buffers.Binary;
using Parry.Data;
using Parry.Data.Images;

namespace Parry.Tests.Data;

/// <summary>
/// Pictures of every kind come out with the values that Pillow 9.4 gives, and what was done is counted.
/// </summary>
public sealed class PictureKindTests : IDisposable
{
    private static readonly ImageShape s_shape = new(3, 3, 4);

    // The picture in all the files below; some of its pixels are transparent.
    private static readonly byte[] s_planes =
    [
        .. new byte[] { 10, 70, 130, 190, 10, 70, 130, 190, 10, 70, 130, 190 },
        .. new byte[] { 5, 5, 5, 5, 95, 95, 95, 95, 185, 185, 185, 185 },
        .. new byte[] { 3, 3, 3, 3, 3, 23, 43, 63, 3, 43, 83, 123 },
    ];

    // 8x8 pixels in cyan, magenta, yellow and black, as Adobe and Pillow write them: inverted.
    private static readonly byte[] s_cmyk = Convert.FromBase64String(
        """
        /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwACAQEBAQECAQEBAgICAgIEAwICAgIFBAQDBAYFBgYGBQYGBgcJCAYHCQcGBggLCAkKCgoK
        CgYICwwLCgwJCgoK/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIB
        AwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZH
        SElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV
        1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwD1j/g4j/5jv/bT+tesf8REf/U8/wDkz/8AXr9OP2//ANv/
        AP4ZZ+2/8Tv7N9m3f8tMYxX1Z+23+23/AMff/E3/AL38df/Z
        """
    );

    /// <summary>A JPEG in cyan, magenta, yellow and black.</summary>
    internal static byte[] CmykJpeg => [.. s_cmyk];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(
        PictureTraits.None,
        "Qk1aAAAAAAAAADYAAAAoAAAABAAAAAMAAAABABgAAAAAACQAAADEDgAAxA4AAAAAAAAAAAAAA7kKK7lGU7mCe7m+A1"
            + "8KF19GK1+CP1++AwUKAwVGAwWCAwW+"
    )]
    [InlineData(
        PictureTraits.Transparent,
        "UklGRlIAAABXRUJQVlA4TEUAAAAvA4AAEF+goG0bNuTukCyZtM3uaYr8CiPItllymUHcn2YQBJI2vvmaP/47gEHdqd"
            + "SVDgiHgSCARCGWHGZZaZZJI/of2OwA"
    )]
    [InlineData(
        PictureTraits.None,
        "R0lGODdhBAADAIMAAAoFA0YFA4IFA74FAwpfA0ZfF4JfK75fPwq5A0a5K4K5U765ewAAAAAAAAAAAAAAACwAAAAABA"
            + "ADAAAIEAABBBAwgEABAwcQJFCwICAAOw=="
    )]
    [InlineData(
        PictureTraits.Transparent,
        "R0lGODlhBAADAIMAAAoFA0YFA4IFA74FAwpfA0ZfF4JfK75fPwq5A0a5K4K5U765ewAAAAAAAAAAAAAAACH5BAEAAA"
            + "UALAAAAAAEAAMAAAgQAAEEEDCAQAEDBxAkULAgIAA7"
    )]
    [InlineData(
        PictureTraits.Transparent | PictureTraits.Animated,
        "R0lGODlhBAADAIMAAAoFA0YFA4IFA74FAwpfA0ZfF4JfK75fPwq5A0a5K4K5U765ewAAAAAAAAAAAAAAACH5BAEAAA"
            + "UALAAAAAAEAAMAAAgQAAEEEDCAQAEDBxAkULAgIAAh+QQBAAAFACwAAAAABAADAIMKBQNGBQOCBQO+BQMKXwNGXxeC"
            + "Xyu+Xz8KuQNGuSuCuVO+uXsAAAAAAAAAAAAAAAAIEAAXKEiA4ICBAgQGCAgAICAAOw=="
    )]
    internal void Bmp_WebP_and_the_first_frame_of_a_gif_are_read(PictureTraits traits, string file)
    {
        string path = _folder.Write("a.png", Convert.FromBase64String(file));
        DecodedPicture picture = ImageFile.Decode(path);
        Assert.Equal(s_shape, ImageFile.ReadShape(path));
        Assert.Equal((s_shape, traits), (picture.Shape, picture.Traits));
        Assert.Equal(s_planes, picture.Planes);
    }

    [Fact]
    public void Cmyk_is_converted_as_in_Pillow()
    {
        DecodedPicture picture = Jpeg.Read(s_cmyk);
        Assert.Equal(PictureTraits.Cmyk, picture.Traits);
        Assert.Equal(
            [
                .. new byte[] { 255, 30, 50, 70, 91, 110, 131, 151, 171, 15, 183, 161, 140, 119 },
                .. new byte[] { 97, 75, 54, 29, 17, 194, 183, 177, 177, 183, 195, 50, 48, 50 },
            ],
            Seventh(picture.Planes)
        );
    }

    [Fact]
    public void Ycck_is_converted_as_in_Pillow()
    {
        byte[] ycck = [.. s_cmyk];
        ycck[ycck.AsSpan().IndexOf("Adobe"u8) + 11] = 2;
        DecodedPicture picture = Jpeg.Read(ycck);
        Assert.Equal(PictureTraits.Cmyk, picture.Traits);
        Assert.Equal(
            [
                .. new byte[] { 0, 21, 24, 19, 5, 0, 0, 0, 0, 87, 183, 183, 150, 122 },
                .. new byte[] { 93, 70, 52, 63, 47, 0, 0, 0, 0, 14, 31, 109, 111, 111 },
            ],
            Seventh(picture.Planes)
        );
    }

    [Fact]
    public void A_jpeg_with_faults_that_decoders_warn_about_is_read_and_counted()
    {
        byte[] jpeg = ImagesTests.Baseline;
        int tables = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xc4]);
        byte[][] faulty =
        [
            [.. jpeg[..tables], 1, 2, 3, .. jpeg[tables..]],
            WithoutTables(jpeg),
        ];
        foreach (byte[] file in faulty)
        {
            DecodedPicture picture = Jpeg.Read(file);
            Assert.Equal(PictureTraits.Faulty, picture.Traits);
            Assert.Equal(Jpeg.Decode(jpeg).Planes, picture.Planes);
        }

        // No decoder warns about what follows the end.
        Assert.Equal(PictureTraits.None, Jpeg.Read(jpeg).Traits);
        Assert.Equal(PictureTraits.None, Jpeg.Read([.. jpeg, 1, 2, 3]).Traits);
    }

    [Theory]
    [InlineData(1, 80)]
    [InlineData(3, 30)]
    [InlineData(3, 95)]
    public void Bytes_after_the_last_block_of_a_jpeg_are_counted_as_a_fault(int channels, int quality)
    {
        var shape = new ImageShape(channels, 37, 51);
        for (ulong seed = 1; seed <= 10; seed++)
        {
            byte[] jpeg = Jpeg.Encode(TestData.Pixels(shape.Pixels, seed), shape, quality);
            DecodedPicture extra = Jpeg.Read([.. jpeg[..^2], 0x12, 0x34, .. jpeg[^2..]]);
            Assert.Equal(PictureTraits.None, Jpeg.Read(jpeg).Traits);
            Assert.Equal(PictureTraits.Faulty, extra.Traits);
            Assert.Equal(Jpeg.Decode(jpeg).Planes, extra.Planes);
        }
    }

    [Theory]
    [InlineData(1, "1 2 3 / 4 5 6")]
    [InlineData(2, "3 2 1 / 6 5 4")]
    [InlineData(3, "6 5 4 / 3 2 1")]
    [InlineData(4, "4 5 6 / 1 2 3")]
    [InlineData(5, "1 4 / 2 5 / 3 6")]
    [InlineData(6, "4 1 / 5 2 / 6 3")]
    [InlineData(7, "6 3 / 5 2 / 4 1")]
    [InlineData(8, "3 6 / 2 5 / 1 4")]
    public void A_camera_orientation_is_applied_as_by_Pillow(int orientation, string rows)
    {
        var stored = new DecodedPicture(new ImageShape(1, 2, 3), [1, 2, 3, 4, 5, 6], orientation, PictureTraits.None);
        DecodedPicture upright = stored.Upright();
        string[] lines = rows.Split(" / ");
        Assert.Equal(new ImageShape(1, lines.Length, 6 / lines.Length), upright.Shape);
        Assert.Equal(rows.Replace(" /", "", StringComparison.Ordinal), string.Join(' ', upright.Planes));
    }

    [Theory]
    [InlineData(false, 20, 30)]
    [InlineData(true, 30, 20)]
    public void A_camera_orientation_is_ignored_unless_it_is_asked_for(bool exifRotate, int height, int width)
    {
        var shape = new ImageShape(1, 20, 30);
        byte[] jpeg = Jpeg.Encode(TestData.Pixels(shape.Pixels), shape, 80);
        _folder.Write("a/1.jpg", [.. jpeg[..2], .. Exif(6), .. jpeg[2..]]);

        ImageSet set = DataSets
            .Open(_folder.Path, new ImagePreparation { ExifRotate = exifRotate })
            .Load(DataPart.Test, Split.Whole);

        Assert.Equal(new ImageShape(1, height, width), set.Shape);
        Assert.Contains(
            exifRotate
                ? ": 1 of 1 pictures were turned as their camera orientation says"
                : ": 1 of 1 pictures have a camera orientation, ignored as in torchvision: --exif-rotate applies it",
            set.Note,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_note_counts_each_kind_of_picture()
    {
        _folder.Write("a/1.png", PngMaker.Make(16, 2, false));
        _folder.Write("a/2.png", PngMaker.Make(16, 6, false));
        _folder.Write("a/3.png", PngMaker.Make(8, 6, false));
        _folder.Write("a/4.jpg", s_cmyk);
        _folder.Write("a/5.png", PngMaker.Make(8, 2, false)[..^12]);

        ImageSet set = DataSets
            .Open(_folder.Path, new ImagePreparation { Shape = new ImageShape(3, 20, 20) })
            .Load(DataPart.Test, Split.Whole);

        Assert.EndsWith(
            ": 1 of 5 pictures were resized and cut to the middle 20x20 pixels; "
                + "2 of 5 pictures have 16 bits: values are divided by 257; "
                + "2 of 5 pictures have transparent pixels: alpha is dropped, the stored colors count; "
                + "1 of 5 pictures are CMYK: converted to RGB; "
                + "1 of 5 pictures have faults that decoders warn about (extra bytes, no Huffman tables, damage beside "
                + "the pixels): read all the same",
            set.Note,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Damaged_pictures_of_other_formats_are_survived()
    {
        byte[][] samples =
        [
            Convert.FromBase64String(
                "Qk1aAAAAAAAAADYAAAAoAAAABAAAAAMAAAABABgAAAAAACQAAADEDgAAxA4AAAAAAAAAAAAAA7kKK7lGU7mCe7m+A1"
                    + "8KF19GK1+CP1++AwUKAwVGAwWCAwW+"
            ),
            Convert.FromBase64String(
                "R0lGODlhBAADAIMAAAoFA0YFA4IFA74FAwpfA0ZfF4JfK75fPwq5A0a5K4K5U765ewAAAAAAAAAAAAAAACH5BAEAAA"
                    + "UALAAAAAAEAAMAAAgQAAEEEDCAQAEDBxAkULAgIAAh+QQBAAAFACwAAAAABAADAIMKBQNGBQOCBQO+BQMKXwNGXxeC"
                    + "Xyu+Xz8KuQNGuSuCuVO+uXsAAAAAAAAAAAAAAAAIEAAXKEiA4ICBAgQGCAgAICAAOw=="
            ),
            Convert.FromBase64String(
                "UklGRlIAAABXRUJQVlA4TEUAAAAvA4AAEF+goG0bNuTukCyZtM3uaYr8CiPItllymUHcn2YQBJI2vvmaP/47gEHdqd"
                    + "SVDgiHgSCARCGWHGZZaZZJI/of2OwA"
            ),
        ];
        long Bound(long size) => (1L << 30) + size;
        Fuzz.Run(
            samples,
            Bound,
            file =>
            {
                string path = _folder.Write("a.bin", file);
                ImageFile.ReadShape(path);
                ImageFile.Decode(path);
            }
        );
    }

    /// <summary>An APP1 part with nothing but an orientation.</summary>
    private static byte[] Exif(byte orientation) =>
        [
            .. new byte[] { 0xff, 0xe1, 0, 34 },
            .. "Exif\0\0II*\0"u8,
            .. new byte[] { 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0 },
        ];

    private static byte[] WithoutTables(byte[] jpeg)
    {
        byte[] left = jpeg;
        int at;
        while ((at = left.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xc4])) >= 0)
            left = [.. left[..at], .. left[(at + 2 + BinaryPrimitives.ReadUInt16BigEndian(left.AsSpan(at + 2)))..]];
        return left;
    }

    private static IEnumerable<byte> Seventh(byte[] planes) => planes.Where((_, i) => i % 7 == 0);
}
