using System.Text;
using Parry.Data;
using Parry.Data.Formats;

namespace Parry.Tests.Data;

public class CifarFormatTests
{
    [Fact]
    public void Reads_the_test_batch()
    {
        using var folder = new TemporaryFolder();
        var file = TestData.Cifar(3);
        folder.Write("test_batch.bin", file);

        var set = DataSets.Cifar10.ReadTest(folder.Path);

        Assert.Equal(new ImageShape(3, 32, 32), set.Shape);
        Assert.Equal([0, 1, 2], set.Labels.ToArray());
        Assert.Equal(file[3074..6146], set.Image(1).ToArray());
        Assert.Equal("airplane", set.ClassNames[0]);
    }

    [Fact]
    public void Reads_the_batches_that_are_there_and_names_them()
    {
        using var folder = new TemporaryFolder();
        folder.Write("data_batch_4.bin.gz", TestData.Gzip(TestData.Cifar(2, seed: 4)));
        folder.Write("data_batch_1.bin", TestData.Cifar(3, seed: 1));

        var set = DataSets.Cifar10.ReadTraining(folder.Path);

        Assert.Equal("cifar10 training (batches 1, 4 of 5)", set.Name);
        Assert.Equal([0, 1, 2, 0, 1], set.Labels.ToArray());
        Assert.Equal(TestData.Cifar(2, seed: 4)[1..3073], set.Image(3).ToArray());
    }

    [Fact]
    public void Names_the_set_plainly_if_all_batches_are_there()
    {
        using var folder = new TemporaryFolder();
        for (var i = 1; i <= 5; i++)
        {
            folder.Write($"data_batch_{i}.bin", TestData.Cifar(1));
        }

        Assert.Equal("cifar10 training", DataSets.Cifar10.ReadTraining(folder.Path).Name);
    }

    [Fact]
    public void Takes_the_class_names_beside_the_batches()
    {
        using var folder = new TemporaryFolder();
        folder.Write("test_batch.bin", TestData.Cifar(1));
        folder.Write("batches.meta.txt", Encoding.ASCII.GetBytes("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"));
        Assert.Equal("abcdefghij", string.Concat(DataSets.Cifar10.ReadTest(folder.Path).ClassNames));

        folder.Write("batches.meta.txt", Encoding.ASCII.GetBytes("a\nb\n"));
        Assert.Contains(
            "got 2",
            Assert.Throws<UserErrorException>(() => DataSets.Cifar10.ReadTest(folder.Path)).Message
        );
    }

    [Fact]
    public void Says_what_is_missing()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(
            "data_batch_1.bin",
            Assert.Throws<UserErrorException>(() => DataSets.Cifar10.ReadTraining(folder.Path)).Message
        );
        Assert.Contains(
            "test_batch.bin",
            Assert.Throws<UserErrorException>(() => DataSets.Cifar10.ReadTest(folder.Path)).Message
        );
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3072)]
    [InlineData(3074)]
    public void Refuses_broken_records(int length) => Refuses(TestData.Pixels(length), $"got {length} bytes");

    [Fact]
    public void Refuses_a_label_without_a_class()
    {
        var file = TestData.Cifar(2);
        file[3073] = 10;
        Refuses(file, "got 10 in record 1");
    }

    [Fact]
    public void Refuses_more_records_than_a_batch_has() => Refuses(TestData.Gzip(new byte[40_000_000]), "got more");

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Survives_damaged_files()
    {
        Fuzz.Run([TestData.Cifar(3)], size => (256 << 10) + (4 * size), file => Read(file));
    }

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void Survives_damaged_gzip_files()
    {
        Fuzz.Run(
            [TestData.Gzip(TestData.Cifar(2)), TestData.Gzip(new byte[3073 * 5])],
            size => (512 << 10) + (64 * size),
            file => Read(file)
        );
    }

    [FactIfData("cifar10")]
    public void Reads_the_published_test_batch()
    {
        var set = DataSets.Cifar10.Load(DataPart.Test, Split.Whole);
        Assert.Equal(10_000, set.Count);
        Assert.Equal([3, 8, 8, 0, 6], set.Labels[..5].ToArray());
    }

    private static byte[] Read(byte[] file)
    {
        using var input = TestData.Input(file);
        return CifarFormat.ReadRecords(input);
    }

    private static void Refuses(byte[] file, string because) =>
        Assert.Contains(because, Assert.Throws<UserErrorException>(() => Read(file)).Message);
}
