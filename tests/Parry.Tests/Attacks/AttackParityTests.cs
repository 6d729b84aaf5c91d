using Parry.Attacks;
using Parry.Attacks.Catalog;
using Parry.Data;
using Parry.Models;
using Parry.Torch;

namespace Parry.Tests.Attacks;

/// <summary>
/// On two public MNIST networks (from DeepRobust: one trained as usual, one on PGD examples) the attacks are at least as strong as the strongest of other
/// libraries' (foolbox 3.3.4, torchattacks 3.5.1, ART 1.20.1), measured on the same first test images with PyTorch 2.6.
/// </summary>
public class AttackParityTests
{
    [TheoryIfModels]
    [InlineData("mnist-natural", "pgd:eps=0.3,step=0.01,steps=40", 0.010)] // foolbox and torchattacks; ART 0.015
    [InlineData("mnist-pgd", "pgd:eps=0.3,step=0.01,steps=40", 0.880)] // torchattacks; foolbox and ART 0.885
    [InlineData("mnist-natural", "pgd:eps=2,norm=l2,steps=40", 0.320)] // foolbox
    [InlineData("mnist-pgd", "pgd:eps=2,norm=l2,steps=40", 0.750)] // foolbox
    [InlineData("mnist-natural", "apgd:eps=0.3", 0.000)] // auto-attack with 5 restarts, and the next
    [InlineData("mnist-pgd", "apgd:eps=0.3", 0.795)]
    [InlineData("mnist-natural", "fgsm:eps=0.1", 0.780)] // torchattacks, and the next three
    [InlineData("mnist-natural", "fgsm:eps=0.3", 0.025)]
    [InlineData("mnist-pgd", "fgsm:eps=0.1", 0.990)]
    [InlineData("mnist-pgd", "fgsm:eps=0.3", 0.940)]
    public void Leaves_at_most_one_point_more_than_the_best_peer(string network, string attack, double peer)
    {
        using AttackResult result = Attack(network, attack, 200);
        double robust = result.Attacked.Zip(result.Succeeded).Count(row => row.First && !row.Second) / 200.0;
        Assert.True(robust <= peer + 0.0101, $"{attack} leaves {robust:0.000} of {network}, the best peer {peer:0.000}");
    }

    [TheoryIfModels]
    // foolbox with 9 searches of 1,000 iterations, learning rate 0.01 and constant 1e-3; with the same settings Parry finds 1.3806, these are ten times faster.
    [InlineData("mnist-natural", "cw-l2:steps=6,iterations=200,lr=0.05,c=0.1", 1.3799)]
    public void Carlini_and_Wagner_find_perturbations_as_small_as_a_peers(string network, string attack, double peer)
    {
        using AttackResult result = Attack(network, attack, 20);
        double[] distances = [.. result.L2.Where((_, i) => result.Succeeded[i]).Select(length => (double)length).Order()];
        Assert.True(distances[9] <= 1.03 * peer, $"the median is {distances[9]:0.0000}, the peer's {peer:0.0000}");
    }

    [TheoryIfModels]
    [InlineData("mnist-natural", 0.0)] // torchattacks, towards the class after the true one
    [InlineData("mnist-pgd", 0.3)]
    public void JSMA_leaves_at_most_one_point_more_than_a_peer(string network, double peer)
    {
        using AttackResult result = Attack(network, "jsma", 20, toNextClass: true);
        Assert.True(result.Succeeded.Count(succeeded => succeeded) > 2);
        double robust = StillRight(network, result.Attempts, 20) / 20.0;
        Assert.True(robust <= peer + 0.0101, $"JSMA leaves {robust:0.000} of {network}, the peer {peer:0.000}");
    }

    private static int StillRight(string network, Tensor images, int count)
    {
        using var scope = new TensorScope();
        ImageSet set = DataSets.Mnist.ReadTest(DataLocator.Find(DataSets.Mnist, DataPart.Test)).Take(count);
        using var model = new ScriptClassifier(ScriptModule.Load(Path.Combine(TheoryIfModelsAttribute.Folder!, network + ".pt")), set.Shape, 10);
        return ((IClassifier)model).Predict(images).ToArray<long>().Zip(set.Labels.ToArray()).Count(pair => pair.First == pair.Second);
    }

    private static AttackResult Attack(string network, string attack, int count, bool toNextClass = false)
    {
        ImageSet set = DataSets.Mnist.ReadTest(DataLocator.Find(DataSets.Mnist, DataPart.Test)).Take(count);
        using var model = new ScriptClassifier(ScriptModule.Load(Path.Combine(TheoryIfModelsAttribute.Folder!, network + ".pt")), set.Shape, 10);
        using Tensor bytes = Tensor.FromBytes(set.Pixels, DType.UInt8, count, 1, 28, 28), whole = bytes.To(DType.Float32), images = whole.Div(255);
        using Tensor labels = Tensor.From(set.Labels.ToArray().Select(label => (long)label).ToArray());
        Goal goal = toNextClass ? Goal.Targeted(Tensor.From(set.Labels.ToArray().Select(label => (label + 1L) % 10).ToArray())) : Goal.Untargeted(labels);
        return AttackCatalog.Parse(attack).Run(model, images, goal, seed: 1)[0];
    }

    /// <summary>Skipped where the networks or the images are not on this machine.</summary>
    private sealed class TheoryIfModelsAttribute : TheoryAttribute
    {
        public TheoryIfModelsAttribute()
        {
            if (Folder is null) Skip = "The public networks are not in a folder models beside $PARRY_DATA.";
        }

        public static string? Folder { get; } = Find();

        private static string? Find()
        {
            if (Environment.GetEnvironmentVariable("PARRY_DATA") is not { Length: > 0 } data) return null;
            string folder = Path.Combine(data, "..", "models");
            return File.Exists(Path.Combine(folder, "mnist-natural.pt")) && File.Exists(Path.Combine(folder, "mnist-pgd.pt")) ? folder : null;
        }
    }
}
