using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Benchmarks;

/// <summary>
/// A model with test images, and attacks on it. A model that is opened stays so until the program ends.
/// </summary>
/// <param name="Model">The model.</param>
/// <param name="Images">[N, C, H, W] in [0, 1].</param>
/// <param name="Labels">The true classes, [N] int64.</param>
internal sealed record Victim(IClassifier Model, Tensor Images, Tensor Labels)
{
    /// <summary>How many images there are.</summary>
    public int Count => (int)Images.size(0);

    /// <summary>An attack without a target on these images.</summary>
    public Goal Goal => Goal.Untargeted(Labels);

    /// <summary>The data set of a network, by its file's name.</summary>
    public static DataSet SetOf(string model) =>
        Path.GetFileName(model).Contains("cifar10", StringComparison.OrdinalIgnoreCase)
            ? DataSets.Cifar10
            : DataSets.Mnist;

    /// <summary>Opens a model with the first test images of its data set.</summary>
    /// <exception cref="UserErrorException">There is no such model, or the data set is missing.</exception>
    public static Victim Open(DataSet set, string model, int count, string? dataDir = null)
    {
        ImageSet test = set.Load(DataPart.Test, Split.DefenseGan, dataDir, count);
        var (network, _) = ModelCatalog.LoadClassifier(model, set.Shape, set.ClassNames.Count);
        return new Victim(network, test.ImageTensor(), test.LabelTensor());
    }

    /// <summary>The same model with the images from one number up to another.</summary>
    public Victim Part(long from, long to) =>
        this with
        {
            Images = Images.slice(0, from, to, 1),
            Labels = Labels.slice(0, from, to, 1),
        };

    /// <summary>The same model with the first images, or with all where there are fewer.</summary>
    public Victim First(int count) => Part(0, Math.Min(count, Count));

    /// <summary>Runs an attack, such as <c>pgd:eps=0.3,steps=40</c>.</summary>
    /// <param name="attack">Its name and settings.</param>
    /// <param name="on">What it attacks in place of the model, such as the same one served over HTTP.</param>
    /// <param name="everyImage">Whether images that the model gets wrong are attacked too.</param>
    /// <param name="seed">Decides every random draw.</param>
    /// <param name="limits">The passes that it may spend on an image; null for no limit.</param>
    public AttackResult Run(
        string attack,
        IPredictor? on = null,
        bool everyImage = false,
        long seed = 1,
        AttackLimits? limits = null
    )
    {
        var run = new AttackRun(Images, Goal, seed)
        {
            Limits = limits,
            Attacked = everyImage ? [.. Enumerable.Repeat(true, Count)] : null,
        };
        return AttackCatalog.Parse(attack).Run(on ?? Model, run)[0];
    }
}
