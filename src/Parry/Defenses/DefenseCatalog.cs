using Parry.Defenses.Detectors;
using Parry.Defenses.Purifiers;
using Parry.Defenses.Training;

namespace Parry.Defenses;

/// <summary>The defenses by their command-line names, and the reader of <c>NAME:key=value,…</c>.</summary>
public static class DefenseCatalog
{
    /// <summary>All defenses.</summary>
    public static IReadOnlyList<DefenseEntry> All { get; } =
    [
        DefenseGan.Entry,
        FastDefenseGan.Entry,
        InvertAndClassify.Entry,
        PuVae.Entry,
        MagNet.Entry,
        DefenseVae.Entry,
        Diffusion.Entry,
        AdversarialTraining.Entry,
        Distillation.Entry,
        FeatureSqueezing.Entry,
        BitDepth.Entry,
        MedianSmoothing.Entry,
        JpegCompression.Entry,
        RandomizedSmoothing.Entry,
    ];

    /// <summary>The names of all defenses.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(entry => entry.Name)];

    /// <summary>
    /// Reads a defense, for example <c>defense-gan:l=50,r=10,attack-l=20,attack-r=1,draws=2</c>, and loads its
    /// networks.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="context">What it is for.</param>
    /// <exception cref="UserErrorException">The name, an option or a value is not valid; the message says what
    /// is.</exception>
    public static DefenseSpec Parse(string text, DefenseContext context)
    {
        string name = text.Split(':', 2)[0];
        DefenseEntry entry =
            All.FirstOrDefault(entry => entry.Name == name)
            ?? throw new UserErrorException(
                $"there is no defense \"{name}\"{NearestName.Hint(name, Names)}; the defenses: none, "
                    + $"{string.Join(", ", Names)}"
            );
        return entry.Create(new DefenseOptions(entry, text), context) with { Name = text };
    }
}
