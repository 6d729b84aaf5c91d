using Parry.Data;
using Parry.Data.Formats;

namespace Parry.Tests.Data;

public class IdxReaderTests
{
    [Fact]
    public void Reads_plain_files()
    {
        var set = Read(TestData.IdxImages(3), TestData.IdxLabels(3));

        Assert.Equal(new ImageShape(1, 5, 4), set.Shape);
        Assert.Equal(TestData.Pixels(60), set.Pixels.ToArray());
        Assert.Equal([0, 1, 2], set.Labels.ToArray());
    }

    [Fact]
    public void Reads_a_gzipped_file_whatever_its_name()
    {
        using var folder = new TemporaryFolder();
        var images = folder.Write("images", TestData.Gzip(TestData.IdxImages(3)));
        var labels = folder.Write("labels.gz", TestData.IdxLabels(3));

        var set = IdxReader.Read(images, labels, "test", TestData.Digits);

        Assert.Equal(TestData.Pixels(60), set.Pixels.ToArray());
    }

    [Fact]
    public void Reads_a_gzipped_file_that_shrinks_well() =>
        Assert.Equal(
            1_000_000,
            Read(
                TestData.Gzip(TestData.Idx(0x803, [100, 100, 100], new byte[1_000_000])),
                TestData.IdxLabels(100)
            ).Pixels.Length
        );

    [Fact]
    public void Says_which_file_is_missing()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            IdxReader.Read("/nowhere/images", "/nowhere/labels", "test", TestData.Digits)
        );
        Assert.Contains("/nowhere/images", error.Message);
    }

    [Fact]
    public void Refuses_a_folder()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<UserErrorException>(() => IdxReader.Read(folder.Path, folder.Path, "test", TestData.Digits));
    }

    [Fact]
    public void Refuses_swapped_files() => Refuses(TestData.IdxLabels(3), TestData.IdxImages(3), "swapped");

    [Fact]
    public void Refuses_another_magic_number() =>
        Refuses(TestData.Idx(0xd03, [3, 5, 4], new byte[60]), TestData.IdxLabels(3), "0x00000d03");

    [Fact]
    public void Refuses_a_label_without_a_class() =>
        Refuses(TestData.IdxImages(3), TestData.Idx(0x801, [3], [0, 10, 1]), "got 10 for image 1");

    [Fact]
    public void Refuses_files_of_different_counts() =>
        Refuses(TestData.IdxImages(3), TestData.IdxLabels(4), "expected 3 labels");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Refuses_a_file_cut_off_anywhere(bool gzip)
    {
        var whole = gzip ? TestData.Gzip(TestData.IdxImages(3)) : TestData.IdxImages(3);
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.Throws<UserErrorException>(() => Read(whole[..length], TestData.IdxLabels(3)));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Refuses_bytes_after_the_end(bool gzip)
    {
        var whole = gzip ? TestData.Gzip(TestData.IdxImages(3)) : TestData.IdxImages(3);
        Refuses([.. whole, 0x1f], TestData.IdxLabels(3), "get the original file again");
        Refuses([.. whole, 1, 2, 3, 4, 5], TestData.IdxLabels(3), "get the original file again");
    }

    [Fact]
    public void Refuses_a_gzip_file_with_a_wrong_checksum()
    {
        var gzip = TestData.Gzip(TestData.IdxImages(3));
        gzip[^6] ^= 1;
        Refuses(gzip, TestData.IdxLabels(3), "corrupt");
    }

    [Theory]
    [InlineData(uint.MaxValue, uint.MaxValue, uint.MaxValue)]
    [InlineData(1u << 30, 2, 1)]
    [InlineData(0, 28, 28)]
    [InlineData(3, 0, 28)]
    public void Refuses_a_size_beyond_the_limits(uint count, uint height, uint width) =>
        Refuses(
            TestData.Idx(0x803, [count, height, width], new byte[60]),
            TestData.IdxLabels(3),
            "got a header that declares"
        );

    [Fact]
    public void Takes_little_memory_for_a_short_file_that_declares_a_gigabyte()
    {
        var images = TestData.Gzip(TestData.Idx(0x803, [1 << 20, 32, 32], new byte[1000]));
        var labels = TestData.Gzip(TestData.Idx(0x801, [1 << 20], new byte[1 << 20]));

        Assert.True(Allocated(() => Refuses(images, labels, "expected 1073741824 bytes")) < 8 << 20);
    }

    [Fact]
    public void Takes_little_memory_for_a_gzip_bomb()
    {
        var bomb = TestData.Gzip(TestData.Idx(0x803, [3, 5, 4], new byte[100 << 20]));
        Assert.True(Allocated(() => Refuses(bomb, TestData.IdxLabels(3), "got more")) < 1 << 20);
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Survives_damaged_plain_files()
    {
        var labels = TestData.IdxLabels(40);
        Fuzz.Run(
            [TestData.IdxImages(40), TestData.Idx(0x803, [40, 1, 1], new byte[40])],
            size => (256 << 10) + (4 * size),
            file => Read(file, labels)
        );
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Survives_damaged_label_files()
    {
        var images = TestData.IdxImages(40);
        Fuzz.Run(
            [TestData.IdxLabels(40), TestData.Gzip(TestData.IdxLabels(40))],
            _ => 1 << 20,
            file => Read(images, file)
        );
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Survives_damaged_gzip_files()
    {
        var labels = TestData.IdxLabels(40);
        Fuzz.Run(
            [TestData.Gzip(TestData.IdxImages(40)), TestData.Gzip(TestData.Idx(0x803, [40, 20, 20], new byte[16_000]))],
            size => (512 << 10) + (16 * size),
            file => Read(file, labels)
        );
    }

    private static ImageSet Read(byte[] images, byte[] labels)
    {
        using var imageFile = TestData.Input(images, "images");
        using var labelFile = TestData.Input(labels, "labels");
        return IdxReader.Read(imageFile, labelFile, "test", TestData.Digits);
    }

    private static void Refuses(byte[] images, byte[] labels, string because) =>
        Assert.Contains(because, Assert.Throws<UserErrorException>(() => Read(images, labels)).Message);

    private static long Allocated(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
