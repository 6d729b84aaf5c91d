using Parry.Data;
using Parry.Data.Files;
using Parry.Tests.Repository;

namespace Parry.Tests.Data;

public class DataSetsTests
{
    [Fact]
    public void Are_found_by_name()
    {
        Assert.Same(DataSets.FashionMnist, DataSets.ByName("Fashion-MNIST"));
        Assert.Contains(
            "mnist, fashion-mnist, cifar10",
            Assert.Throws<UserErrorException>(() => DataSets.ByName("svhn")).Message
        );
    }

    [Fact]
    public void Have_well_formed_entries()
    {
        Assert.All(
            DataSets.All.OfType<DataSet>(),
            set =>
            {
                Assert.Equal(10, set.ClassNames.Distinct().Count());
                Assert.All(set.Mirrors, mirror => Assert.EndsWith("/", mirror.AbsoluteUri, StringComparison.Ordinal));
                Assert.All(set.Files.Concat(set.Downloads), file => Assert.Matches("^[0-9a-f]{64}$", file.Sha256));
            }
        );
        Assert.Distinct(
            DataSets
                .All.OfType<DataSet>()
                .SelectMany(set => set.Files.Concat(set.Downloads))
                .Select(file => file.Sha256)
        );
    }

    [Fact]
    public void Every_published_set_has_a_file_of_its_own_and_a_line_in_the_list()
    {
        DataSet[] sets =
        [
            .. typeof(DataSets)
                .GetProperties()
                .Where(property => property.PropertyType == typeof(DataSet))
                .Select(property => (DataSet)property.GetValue(null)!),
        ];
        Assert.Equivalent(sets, DataSets.All.OfType<DataSet>(), strict: true);
        Assert.Equal(
            sets.Length,
            RepositoryFiles
                .Code()
                .Count(file =>
                    file.StartsWith("src/Parry/Data/DataSets.", StringComparison.Ordinal)
                    && file != "src/Parry/Data/DataSets.cs"
                )
        );
    }

    [Fact]
    public void Images_of_another_size_are_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("t10k-images-idx3-ubyte", TestData.IdxImages(3));
        folder.Write("t10k-labels-idx1-ubyte", TestData.IdxLabels(3));
        Assert.Contains(
            "expected MNIST images of 1x28x28, got 1x5x4",
            Assert.Throws<UserErrorException>(() => DataSets.Mnist.ReadTest(folder.Path)).Message
        );
    }

    [FactIfData("mnist")]
    public void Mnist_is_the_published_one()
    {
        var set = DataSets.Mnist.Load(DataPart.Test, Split.Whole);
        Assert.Equal(10_000, set.Count);
        Assert.Equal([7, 2, 1, 0, 4], set.Labels[..5].ToArray());
        AssertPublished(DataSets.Mnist, DataPart.Test);
    }

    [FactIfData("mnist", DataPart.Train)]
    public void Mnist_splits_as_defense_gan_does()
    {
        var train = DataSets.Mnist.Load(DataPart.Train, Split.DefenseGan);
        Assert.Equal(50_000, train.Count);
        Assert.Equal([5, 0, 4, 1, 9], train.Labels[..5].ToArray());
        Assert.Equal(10_000, DataSets.Mnist.Load(DataPart.Validation, Split.DefenseGan).Count);
        AssertPublished(DataSets.Mnist, DataPart.Train);
    }

    [FactIfData("fashion-mnist", DataPart.Train)]
    public void Fashion_mnist_is_the_published_one_however_it_was_compressed()
    {
        var train = DataSets.FashionMnist.Load(DataPart.Train, Split.Whole);
        Assert.Equal(60_000, train.Count);
        Assert.Equal([9, 0, 0, 3, 0], train.Labels[..5].ToArray());
        AssertPublished(DataSets.FashionMnist, DataPart.Train);
    }

    [FactIfData("cifar10")]
    public void Cifar10_is_the_published_one() => AssertPublished(DataSets.Cifar10, DataPart.Test);

    private static void AssertPublished(DataSet set, DataPart part)
    {
        var folder = DataLocator.Find(set, part);
        Assert.All(
            set.Files.Where(file => InputFile.Find(folder, file.Name) is not null),
            file => Assert.True(file.IsIn(folder), file.Name)
        );
    }

    [Fact]
    public void Published_sets_turn_gray_to_color_and_back_as_the_model_takes_them()
    {
        using var folder = new TemporaryFolder();
        folder.Write("mnist/t10k-images-idx3-ubyte", TestData.IdxImages(3, 28, 28));
        folder.Write("mnist/t10k-labels-idx1-ubyte", TestData.IdxLabels(3));
        ImageSet gray = DataSets.Mnist.Load(DataPart.Test, Split.Whole, folder.Path);
        IImageSource source = DataSets.Open("mnist", new ImagePreparation { Shape = new ImageShape(3, 28, 28) });
        ImageSet color = source.Load(DataPart.Test, Split.Whole, folder.Path, count: 2);

        Assert.Equal((new ImageShape(3, 28, 28), "mnist"), (source.Shape, source.Name));
        Assert.Equal((2, new ImageShape(3, 28, 28)), (color.Count, color.Shape));
        byte[] plane = gray.Image(1).ToArray();
        Assert.Equal([.. plane, .. plane, .. plane], color.Image(1).ToArray());
        Assert.Equal(gray.Take(2).Labels, color.Labels);
        Assert.Equal("mnist: all images were turned from gray to color, as the model takes them", color.Note);
        Assert.Equal(
            new ImageShape(1, 32, 32),
            DataSets.Open("cifar10", new ImagePreparation { Shape = new ImageShape(1, 32, 32) }).Shape
        );

        // Other sizes are the model's affair.
        Assert.Same(DataSets.Mnist, DataSets.Open("mnist", new ImagePreparation { Shape = new ImageShape(3, 32, 32) }));
    }
}
