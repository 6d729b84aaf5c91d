using Parry.Data;

namespace Parry.Tests.Data;

public class DataLocatorTests
{
    [Fact]
    public void Looks_into_the_given_folder_then_the_environment_then_debian_then_the_cache()
    {
        var roots = DataLocator.Roots(
            "/given",
            Environment(("PARRY_DATA", "/environment"), ("XDG_CACHE_HOME", "/cache"))
        );
        Assert.Equal(["/given", "/environment", "/usr/share/datasets", "/cache/parry/data"], roots);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("relative")]
    public void Caches_at_home_without_an_absolute_cache_folder(string? cache) =>
        Assert.Equal(
            ["/usr/share/datasets", "/home/me/.cache/parry/data"],
            DataLocator.Roots(null, Environment(("XDG_CACHE_HOME", cache), ("HOME", "/home/me")))
        );

    [Theory]
    [InlineData("mnist/")]
    [InlineData("MNIST/")]
    [InlineData("")]
    public void Finds_the_sets_own_folder_its_aliases_and_the_folder_itself(string place)
    {
        using var folder = new TemporaryFolder();
        WriteMnist(folder, place);
        Assert.Equal(
            Path.Combine(folder.Path, place).TrimEnd('/'),
            DataLocator.Find(DataSets.Mnist, DataPart.Test, [folder.Path]).TrimEnd('/')
        );
    }

    [Fact]
    public void Takes_the_first_of_several()
    {
        using var first = new TemporaryFolder();
        using var second = new TemporaryFolder();
        WriteMnist(first, "");
        WriteMnist(second, "mnist/");
        Assert.Equal(first.Path, DataLocator.Find(DataSets.Mnist, DataPart.Test, [first.Path, second.Path]));
    }

    [Fact]
    public void Wants_only_the_files_of_the_part()
    {
        using var folder = new TemporaryFolder();
        WriteMnist(folder, "");
        Assert.Throws<UserErrorException>(() => DataLocator.Find(DataSets.Mnist, DataPart.Train, [folder.Path]));
    }

    [Fact]
    public void Is_content_with_some_training_batches()
    {
        using var folder = new TemporaryFolder();
        folder.Write("cifar-10-batches-bin/data_batch_3.bin", TestData.Cifar(1));
        Assert.Equal(
            Path.Combine(folder.Path, "cifar-10-batches-bin"),
            DataLocator.Find(DataSets.Cifar10, DataPart.Validation, [folder.Path])
        );
    }

    [Fact]
    public void Says_where_it_looked_and_how_to_get_the_set()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<UserErrorException>(() =>
            DataLocator.Find(DataSets.Mnist, DataPart.Test, [folder.Path])
        );
        Assert.Contains($"{folder.Path} or a folder mnist or MNIST there", error.Message);
        Assert.EndsWith("parry data fetch mnist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_a_given_folder_that_does_not_exist() =>
        Assert.Contains(
            "/nowhere",
            Assert.Throws<UserErrorException>(() => DataLocator.Find(DataSets.Mnist, DataPart.Test, "/nowhere")).Message
        );

    [FactIfData("fashion-mnist")]
    public void Does_not_take_one_set_for_another()
    {
        var fashion = DataLocator.Find(DataSets.FashionMnist, DataPart.Test);
        var error = Assert.Throws<UserErrorException>(() => DataLocator.Find(DataSets.Mnist, DataPart.Test, [fashion]));
        Assert.Contains("holds fashion-mnist", error.Message);
    }

    [Fact]
    public void A_file_that_is_not_here_is_looked_for_in_the_folders_of_data()
    {
        using var folder = new TemporaryFolder();
        string there = folder.Write("photos/dog.jpg", [1]);
        Assert.Equal(there, DataLocator.FileOf("photos/dog.jpg", ["/nowhere", folder.Path]));
        Assert.Equal(there, DataLocator.FileOf(there, []));
        Assert.Equal("photos/cat.jpg", DataLocator.FileOf("photos/cat.jpg", [folder.Path]));
    }

    private static void WriteMnist(TemporaryFolder folder, string place)
    {
        folder.Write(place + "t10k-images-idx3-ubyte", TestData.IdxImages(2));
        folder.Write(place + "t10k-labels-idx1-ubyte.gz", TestData.Gzip(TestData.IdxLabels(2)));
    }

    private static Func<string, string?> Environment(params (string Name, string? Value)[] variables) =>
        name => variables.FirstOrDefault(variable => variable.Name == name).Value;
}
