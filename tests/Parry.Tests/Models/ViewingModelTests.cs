using Parry.Data;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models;

/// <summary>
/// A public network that views what its convolutions computed as rows, which only one layout in memory allows.
/// </summary>
public class ViewingModelTests
{
    private const int Count = 500;

    [FactIfModel("mnist-advertorch.pt", "mnist")]
    public void It_loads_and_reaches_its_accuracy()
    {
        ImageSet set = DataSets.Mnist.ReadTest(DataLocator.Find(DataSets.Mnist, DataPart.Test)).Take(Count);
        using var scope = NewDisposeScope();
        string file = PublicModels.File("mnist-advertorch.pt");
        using OpenedModel opened = ModelCatalog.Open(file, new InputContract(), set.Shape);
        var model = (ImportedClassifier)opened.Model;
        Tensor images = set.ImageTensor();
        Tensor labels = set.LabelTensor();

        Assert.False(model.IsChannelsLast);
        using (no_grad())
        {
            double right = model.Logits(images).argmax(1).eq(labels).to(ScalarType.Float32).mean().Item();
            Assert.InRange(right, 0.97, 1);
        }

        LossGradient pass = ((IClassifier)model).Gradient(images, logits => logits.amax([1]));
        Assert.True(pass.Gradient.abs().sum().Item() > 0);
    }
}
