using Parry.Attacks.WhiteBox;
using Parry.Defenses;
using Parry.Defenses.Breaks;
using Parry.Defenses.Purifiers;
using Parry.Defenses.Squeezing;
using Parry.Defenses.Training;
using Parry.Options;

namespace Parry.Catalogs;

/// <summary>
/// Every defense, and the reader of texts such as <c>defense-gan:l=50,r=10,attack-l=20</c>. A new defense is one line
/// here.
/// </summary>
public static class DefenseCatalog
{
    /// <summary>All defenses.</summary>
    public static IReadOnlyList<DefenseEntry> All { get; } =
    [
        new(
            new DefenseGanSettings(),
            "defense-gan",
            "Defense-GAN",
            "replaces an image by the nearest one that a GAN draws",
            "Samangouei, Kabkab, Chellappa, 2018, 1805.06605"
        )
        {
            Breaks = [OnManifold.Known, Overpowered.Known, ReconstructionEvasion.Known],
        },
        new(
            new FastDefenseGanSettings(),
            "fast-defense-gan",
            "Fast Defense-GAN",
            "Defense-GAN's projection from the nearest samples, by Adam, with fewer descents after each stage",
            "after Samangouei et al., 2018, 1805.06605"
        )
        {
            Breaks = [OnManifold.Known, Overpowered.Known, ReconstructionEvasion.Known],
        },
        new(
            new InvertAndClassifySettings(),
            "invert-and-classify",
            "Invert and classify",
            "replaces an image by the nearest one that a generator or a decoder draws; can refuse images that are "
                + "far from it",
            "Ilyas, Jalal, Asteri, Daskalakis, Dimakis, 2017, 1712.09196"
        )
        {
            Breaks = [OnManifold.Known, Overpowered.Known, ReconstructionEvasion.Known],
        },
        new(
            new PuVaeSettings(),
            "puvae",
            "PuVAE",
            "reconstructs an image for every label and keeps the nearest reconstruction",
            "Hwang, Park, Jang, Yoon, Cho, 2019, 1903.00585"
        )
        {
            Breaks = [LabelFlipPull.Known, ReconstructionEvasion.Known],
        },
        new(
            new MagNetSettings(),
            "magnet",
            "MagNet",
            "refuses images that auto-encoders reconstruct badly and reforms the others",
            "Meng and Chen, 2017, 1705.09064"
        )
        {
            Breaks = [DetectorEvasion.Known],
        },
        new(
            new DefenseVaeSettings(),
            "defense-vae",
            "Defense-VAE",
            "reconstructs the clean image from an adversarial one; trained on known attacks",
            "Li and Ji, 2018, 1812.06570"
        )
        {
            Breaks = [ReconstructionEvasion.Known],
        },
        new(
            new DiffusionSettings(),
            "diffusion",
            "Diffusion purification",
            "adds noise that drowns the perturbation, then removes the noise",
            "after Nie et al., 2022, 2205.07460"
        ),
        new(
            new AdversarialTrainingSettings(),
            "adversarial-training",
            "Adversarial training",
            "a classifier trained on adversarial images",
            "Madry et al., 2017, 1706.06083"
        ),
        new(
            new DistillationSettings(),
            "distillation",
            "Defensive distillation",
            "a student trained on a teacher's probabilities at a high temperature; its gradients vanish",
            "Papernot et al., 2015, 1511.04508"
        )
        {
            Breaks = [new("pgd on logits/T", (_, _) => new ProjectedGradientDescent())],
        },
        new(
            new FeatureSqueezingSettings(),
            "feature-squeezing",
            "Feature squeezing",
            "refuses images whose class probabilities change when they are squeezed",
            "Xu, Evans, Qi, 2017, 1704.01155"
        ),
        new(
            new BitDepthSettings(),
            "bit-depth",
            "Bit depth",
            "rounds values to a few bits",
            "Xu, Evans, Qi, 2017, 1704.01155"
        ),
        new(
            new MedianSmoothingSettings(),
            "median",
            "Median smoothing",
            "replaces every value by the median of a window",
            "Xu, Evans, Qi, 2017, 1704.01155"
        ),
        new(
            new JpegCompressionSettings(),
            "jpeg",
            "JPEG",
            "encodes an image as JPEG and decodes it",
            "Dziugaite, Ghahramani, Roy, 2016, 1608.00853"
        ),
        new(
            new RandomizedSmoothingSettings(),
            "smoothing",
            "Randomized smoothing",
            "predicts the class that wins most often under Gaussian noise",
            "Cohen, Rosenfeld, Kolter, 2019, 1902.02918"
        ),
        new(
            new DefensiveDropoutSettings(),
            "dropout",
            "Defensive dropout",
            "leaves dropout on while the classifier answers",
            "Wang, Wang, Zhao, Wen, Kaeli, Chin, Lin, 2018, 1809.05165"
        ),
    ];

    /// <summary>The names of all defenses.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(entry => entry.Name)];

    /// <summary>
    /// Reads a defense, for example <c>defense-gan:l=50,r=10,attack-l=20,attack-r=1,draws=2</c>, and loads its
    /// networks.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="context">The data and the classifier that are defended.</param>
    /// <exception cref="UserErrorException">The name, an option or a value is not valid; the message says what
    /// is.</exception>
    public static DefenseSpec Parse(string text, DefenseContext context)
    {
        var (name, settings) = OptionText.Parse(text, defense => Find(defense).Options);
        DefenseEntry entry = Find(name);
        IDefenseSettings given = entry.With(OptionText.Single(name, settings));
        return given.Create(context) with { Name = text, Breaks = entry.Breaks };
    }

    private static DefenseEntry Find(string name) =>
        All.FirstOrDefault(entry => entry.Name == name)
        ?? throw new UserErrorException(
            $"there is no defense \"{name}\"{NearestName.Hint(name, Names)}; the defenses: none, "
                + string.Join(", ", Names)
        );
}
