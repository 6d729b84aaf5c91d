using System.Buffers.Binary;
using Parry.Data.Files;
using Parry.Data.Images;

namespace Parry.Tests.Data;

public class ImagesTests
{
    // 24x16 pixels, encoded by libjpeg-turbo: 4:2:0 baseline, and 4:4:4 progressive.
    internal static readonly byte[] Baseline = Convert.FromBase64String(
        """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0
        Hyc5PTgyPC4zNDL/2wBDAQkJCQwLDBgNDRgyIRwhMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIy
        MjL/wAARCAAQABgDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQID
        AAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlq
        c3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3
        +Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEI
        FEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImK
        kpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDz
        K20Hy8NjOO2K2LbRPOx8uMV11toPl4bbnHbFbFtonnY+XGKwr5lb93a1/s33879P+B5nBledbO5yNto/l4XZnHeivRrbR/LwuzOO9FeV
        POeV8vtbW6Wvbyv1sffYbOP3Z//Z
        """
    );

    private static readonly byte[] s_progressive = Convert.FromBase64String(
        """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0
        Hyc5PTgyPC4zNDL/2wBDAQkJCQwLDBgNDRgyIRwhMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIy
        MjL/wgARCAAQABgDAREAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAABAb/xAAXAQEBAQEAAAAAAAAAAAAAAAADBQQG/9oADAMBAAIQ
        AxAAAAGY0EwaTBorHhWDSYNL/8QAFxAAAwEAAAAAAAAAAAAAAAAAAAIDEf/aAAgBAQABBQJYYLHRY4LDBY6LHD//xAAWEQEBAQAAAAAA
        AAAAAAAAAAADABH/2gAIAQMBAT8BJ4myJYn2JsiXb//EABwRAAEEAwEAAAAAAAAAAAAAAAABERMiAwQjYf/aAAgBAgEBPwFed3FyzeML
        sx0F53cXLN4wuzHQ/8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQAGPwJf/8QAFxABAQEBAAAAAAAAAAAAAAAAADERUf/aAAgBAQAB
        PyGpxoMVY40GP//aAAwDAQACAAMAAAAQ2/8Av//EABgRAAIDAAAAAAAAAAAAAAAAAAARECEx/9oACAEDAQE/EGVCbbMELUz/xAAcEQAA
        BgMAAAAAAAAAAAAAAAAAARFBUaExkfD/2gAIAQIBAT8QPMRqHUPOoDcqPYPMRqHUPOoDcqPY/8QAGBAAAwEBAAAAAAAAAAAAAAAAABEh
        QTH/2gAIAQEAAT8QkRrETcIkqtJKLETcIkqtP//Z
        """
    );

    [Theory]
    [InlineData(1, 28, 28)]
    [InlineData(3, 32, 32)]
    [InlineData(3, 1, 1)]
    [InlineData(1, 3, 500)]
    [InlineData(3, 500, 3)]
    public void A_png_comes_back_as_it_was(int channels, int height, int width)
    {
        var shape = new ImageShape(channels, height, width);
        var noise = TestData.Pixels(shape.Pixels);

        var (decodedShape, planes) = Png.Decode(Png.Encode(noise, shape), channels);

        Assert.Equal(shape, decodedShape);
        Assert.Equal(noise, planes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_large_png_of_one_color_is_no_bomb(int channels)
    {
        var shape = new ImageShape(channels, 2000, 2000);
        Assert.Equal(shape, Png.Decode(Png.Encode(new byte[shape.Pixels], shape), channels).Shape);
    }

    [Fact]
    public void A_gray_png_read_as_color_has_three_equal_planes()
    {
        var noise = TestData.Pixels(12);
        var (shape, planes) = Png.Decode(Png.Encode(noise, new ImageShape(1, 3, 4)), 3);
        Assert.Equal(new ImageShape(3, 3, 4), shape);
        Assert.Equal([.. noise, .. noise, .. noise], planes);
    }

    [Fact]
    public void A_file_says_whether_it_is_gray_or_in_color()
    {
        foreach (int channels in new[] { 1, 3 })
        {
            var shape = new ImageShape(channels, 3, 4);
            byte[] png = Png.Encode(TestData.Pixels(shape.Pixels), shape);
            byte[] jpeg = Jpeg.Encode(TestData.Pixels(shape.Pixels), shape, 90);
            Assert.Equal(
                [shape, shape, shape, shape],
                [Png.Header(png).Shape, Png.Decode(png).Shape, Jpeg.Header(jpeg).Shape, Jpeg.Decode(jpeg).Shape]
            );
        }
    }

    [Fact]
    public void A_png_is_encoded_only_if_the_values_fit_the_shape()
    {
        Assert.Throws<ArgumentException>(() => Png.Encode(new byte[11], new ImageShape(1, 3, 4)));
        Assert.Throws<ArgumentException>(() => Png.Encode([], new ImageShape(1, 0, 4)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Png.Encode(new byte[24], new ImageShape(2, 3, 4)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Png.Decode([], 4));
    }

    [Fact]
    public void A_png_cut_off_anywhere_before_its_last_chunk_is_refused()
    {
        var png = Png.Encode(TestData.Pixels(300), new ImageShape(3, 10, 10));
        for (var length = 0; length < png.Length - 12; length++)
        {
            Assert.Throws<InvalidDataException>(() => Png.Decode(png.AsSpan(0, length), 3));
        }
    }

    [Theory]
    [InlineData(1, 60_000, 60_000, "1 to 67108864 pixels")]
    [InlineData(1, 8_000, 8_000, "cut off or corrupt")]
    public void A_png_that_declares_too_much_is_refused_before_memory_is_taken(
        int channels,
        int height,
        int width,
        string because
    )
    {
        var png = Png.Encode(TestData.Pixels(100), new ImageShape(1, 10, 10));
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32.Of(png.AsSpan(12, 17)));

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(because, Assert.Throws<InvalidDataException>(() => Png.Decode(png, channels)).Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void A_smooth_jpeg_comes_back_nearly_as_it_was()
    {
        foreach (var jpeg in new[] { Baseline, s_progressive })
        {
            var (shape, planes) = Jpeg.Decode(jpeg, 3);
            Assert.Equal(new ImageShape(3, 16, 24), shape);
            Assert.InRange(planes[23], 200, 255); // red grows by 10 a column
            Assert.InRange(planes[(16 * 24) + (15 * 24)], 190, 255); // green grows by 15 a row
        }

        Assert.Equal(new ImageShape(1, 16, 24), Jpeg.Decode(Baseline, 1).Shape);
    }

    [Fact]
    public void A_jpeg_cut_off_is_refused()
    {
        var shape = new ImageShape(3, 90, 70);
        foreach (
            byte[] jpeg in new[] { Baseline, s_progressive, Jpeg.Encode(TestData.Pixels(shape.Pixels), shape, 75) }
        )
        {
            for (var length = 0; length < jpeg.Length - 2; length++)
            {
                Assert.Throws<InvalidDataException>(() => Jpeg.Decode(jpeg.AsSpan(0, length), 3));
            }
        }
    }

    [Fact]
    public void A_jpeg_of_very_many_scans_is_refused()
    {
        int scan = s_progressive.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0xff, 0xda]);
        byte[] last = s_progressive[scan..^2];
        byte[] many =
        [
            .. s_progressive[..scan],
            .. Enumerable.Repeat(last, 600).SelectMany(bytes => bytes),
            0xff,
            0xd9,
        ];
        Assert.Contains("at most 500 scans", Assert.Throws<InvalidDataException>(() => Jpeg.Decode(many)).Message);
    }

    /// <summary>The means of what TurboJPEG 2.1.5 made of them.</summary>
    [TheoryIfPhotos]
    [InlineData("imagenet_00_243.jpg", 103.5599)]
    [InlineData("imagenet_01_559.jpg", 107.6518)]
    [InlineData("imagenet_02_438.jpg", 134.5853)]
    [InlineData("imagenet_03_990.jpg", 102.7097)]
    [InlineData("imagenet_04_949.jpg", 139.7870)]
    [InlineData("imagenet_05_853.jpg", 122.2841)]
    [InlineData("imagenet_14_129.jpg", 138.7034)]
    [InlineData("imagenet_15_99.jpg", 111.1063)]
    [InlineData("imagenet_16_251.jpg", 89.4104)]
    [InlineData("imagenet_17_22.jpg", 66.7923)]
    public void Sample_photos_have_the_pixels_they_always_had(string photo, double mean)
    {
        byte[] planes = ImageFile.Read(Path.Combine(TheoryIfPhotosAttribute.Folder!, photo)).Planes;
        Assert.Equal(mean, planes.Average(value => value), 1e-3);
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_png_files_are_survived()
    {
        byte[][] samples =
        [
            Png.Encode(TestData.Pixels(300), new ImageShape(3, 10, 10)),
            Png.Encode(new byte[2500], new ImageShape(1, 50, 50)),
        ];
        Fuzz.Run(samples, size => (64 << 10) + (2 * 24 * 1032 * size), file => Png.Decode(file, 3));
    }

    [Fact]
    public void A_png_that_asks_for_a_preset_dictionary_is_refused()
    {
        byte[] png = PngMaker.Make(8, 2, interlaced: false);
        int stream = png.AsSpan().IndexOf("IDAT"u8) + 4;
        (png[stream], png[stream + 1]) = (0x78, 0x20);
        Assert.Throws<InvalidDataException>(() => Png.Decode(Resummed(png), 3));
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_png_files_whose_checksums_are_right_are_survived()
    {
        byte[][] samples =
        [
            Png.Encode(TestData.Pixels(300), new ImageShape(3, 10, 10)),
            Png.Encode(new byte[2500], new ImageShape(1, 50, 50)),
        ];
        Fuzz.Run(samples, size => (64 << 10) + (2 * 24 * 1032 * size), file => Png.Decode(Resummed(file), 3));
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Damaged_jpeg_files_are_survived()
    {
        Fuzz.Run([Baseline, s_progressive], size => (64 << 10) + (2 * 3 * 512 * size), file => Jpeg.Decode(file, 3));
    }

    [Fact]
    public void The_kind_of_an_image_file_is_told_by_its_content()
    {
        using var folder = new TemporaryFolder();
        var png = folder.Write("a.jpg", Png.Encode(TestData.Pixels(12), new ImageShape(1, 3, 4)));
        var jpeg = folder.Write("a.png", Baseline);
        var text = folder.Write("a.txt", [1, 2, 3]);

        Assert.Equal(new ImageShape(1, 3, 4), ImageFile.Read(png, 1).Shape);
        Assert.Equal(new ImageShape(3, 16, 24), ImageFile.Read(jpeg, 3).Shape);
        Assert.Contains(text, Assert.Throws<UserErrorException>(() => ImageFile.Read(text, 3)).Message);
        Assert.Throws<UserErrorException>(() => ImageFile.Read("/nowhere.png", 3));
        Assert.Throws<UserErrorException>(() => ImageFile.Read(folder.Path, 3));
    }

    [Fact]
    public void What_may_never_end_is_not_read() =>
        Assert.Contains(
            "expected a regular file, got a device",
            Assert.Throws<UserErrorException>(() => ImageFile.Read("/dev/zero")).Message
        );

    /// <summary>Makes the checksums right again, so that damage reaches the decoder behind them.</summary>
    internal static byte[] Resummed(byte[] png)
    {
        var at = 8;
        while (at + 12 <= png.Length)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at));
            if (length > png.Length - at - 12)
            {
                break;
            }

            var end = at + 8 + (int)length;
            BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(end), Crc32.Of(png.AsSpan(at + 4, 4 + (int)length)));
            at = end + 4;
        }

        return png;
    }
}
