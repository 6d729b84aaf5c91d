using Parry.Data;
using Parry.Models;
using Parry.Models.Files;
using Parry.Tests.Data;
using Parry.Tests.Repository;

namespace Parry.Tests.Models;

public class ShippedModelsTests
{
    [FactIfData("fashion-mnist")]
    public void The_classifiers_for_Fashion_MNIST_are_as_good_as_their_files_say()
    {
        ImageSet test = DataSets.FashionMnist.Load(DataPart.Test, Split.DefenseGan);
        Check("fashion-mnist/a", test, 0.92);
        Check("fashion-mnist/e", test, 0.88);
    }

    [FactIfData("mnist")]
    public void The_classifiers_for_MNIST_are_as_good_as_their_files_say()
    {
        ImageSet test = DataSets.Mnist.Load(DataPart.Test, Split.DefenseGan);
        Check("mnist/a", test, 0.99);
        Check("mnist/e", test, 0.975);
    }

    [Fact]
    public void The_weights_are_under_60_megabytes_together() =>
        Assert.True(Files().Sum(file => new FileInfo(file).Length) < 60_000_000);

    [Fact]
    public void Every_weight_file_names_the_command_and_the_seed_it_was_made_with() =>
        Assert.All(
            Files().Select(ModelFile.Describe),
            description =>
            {
                Assert.StartsWith("parry train ", description.Command, StringComparison.Ordinal);
                Assert.NotNull(description.Seed);
            }
        );

    private static string[] Files() =>
        Directory.GetFiles(Path.Combine(RepositoryFiles.Root, "models"), "*.safetensors");

    private static void Check(string model, ImageSet test, double least)
    {
        var (classifier, description) = ModelCatalog.LoadClassifier(model, test.Shape, test.ClassNames.Count);
        Assert.Equal(test.ClassNames, description!.ClassNames);
        Assert.True(description.TestAccuracy >= least, $"{model} says {description.TestAccuracy}");

        // Another processor rounds otherwise, so a borderline image may fall on the other side.
        Assert.Equal(description.TestAccuracy!.Value, Accuracy.Of(classifier, test), 0.001);
        ((IDisposable)classifier).Dispose();
    }
}
