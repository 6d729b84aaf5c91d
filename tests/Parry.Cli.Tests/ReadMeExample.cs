using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Models;

namespace Parry.Cli.Tests;

/// <summary>The README's example, compiled.</summary>
internal static class ReadMeExample
{
    public static void Run(TextWriter Console)
    {
        ImageSet set = DataSets.FashionMnist.Load(DataPart.Test, Split.Whole).Take(100);
        var (model, _) = ModelCatalog.LoadClassifier("fashion-mnist/a", set.Shape, set.ClassNames.Count);
        using AttackResult result = AttackRunner.Run(
            new ProjectedGradientDescent { Epsilon = 0.1 }, model, set.ImageTensor(), Goal.Untargeted(set.LabelTensor()), seed: 1);
        Console.WriteLine($"{result.Succeeded.Count(s => s)} of {result.Attacked.Count(a => a)} images fool the model");
    }
}
