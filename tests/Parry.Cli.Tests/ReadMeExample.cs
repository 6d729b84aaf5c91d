using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Cli.Tests;

/// <summary>The README's example, compiled.</summary>
internal static class ReadMeExample
{
    public static void Run(TextWriter Console)
    {
        ImageSet set = DataSets.FashionMnist.Load(DataPart.Test, Split.Whole).Take(100);
        var (model, _) = ModelCatalog.LoadClassifier("fashion-mnist/a", set.Shape, set.ClassNames.Count);
        using AttackResult result = AttackRunner.Run(
            new ProjectedGradientDescent { Epsilon = 0.1 },
            model,
            set.ImageTensor(),
            Goal.Untargeted(set.LabelTensor()),
            seed: 1
        );
        Console.WriteLine($"{result.Succeeded.Count(s => s)} of {result.Attacked.Count(a => a)} images fool the model");
    }

    public static int Fooled(nn.Module<Tensor, Tensor> network, Tensor images, Tensor labels)
    {
        var yours = new ModuleClassifier(network, new ImageShape(1, 28, 28), classes: 10);
        using AttackResult own = AttackRunner.Run(
            new ProjectedGradientDescent { Epsilon = 0.1 },
            yours,
            images,
            Goal.Untargeted(labels),
            seed: 1
        );
        return own.Succeeded.Count(succeeded => succeeded);
    }
}
