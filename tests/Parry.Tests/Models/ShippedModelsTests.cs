using Parry.Data;
using Parry.Models;
using Parry.Tests.Data;

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
