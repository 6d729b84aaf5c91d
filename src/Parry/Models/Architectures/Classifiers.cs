using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Models.Architectures;

/// <summary>
/// The classifiers by name: A to F of Defense-GAN (Samangouei, Kabkab, Chellappa, 2018, 1805.06605, as its code builds them) and
/// the small network that many public MNIST models are. All end in logits.
/// </summary>
/// <remarks>
/// Differences from the paper's table, where its code decides: C's second convolution is 5x5 (the table says 3x3), and D has one dropout.
/// </remarks>
public static class Classifiers
{
    private const string Prefix = "classifier-";

    /// <summary>The names of the architectures, as weight files have them.</summary>
    public static IReadOnlyList<string> Names { get; } = ["classifier-a", "classifier-b", "classifier-c", "classifier-d", "classifier-e", "classifier-f", "lenet"];

    /// <summary>The full name of an architecture: <c>a</c> is short for <c>classifier-a</c>.</summary>
    /// <exception cref="UserErrorException">There is none of that name; the message lists those there are.</exception>
    public static string FullName(string name) =>
        Names.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase) || known.Equals(Prefix + name, StringComparison.OrdinalIgnoreCase))
        ?? throw new UserErrorException($"expected a classifier architecture out of {string.Join(", ", Names)}, got \"{name}\"");

    /// <summary>Makes a network with fresh weights, from images [N, C, H, W] in [0, 1] to logits [N, classes].</summary>
    /// <param name="name">One of <see cref="Names"/>, or the short form <c>a</c> to <c>f</c>.</param>
    /// <param name="shape">Of the images.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="random">Where the first weights come from.</param>
    /// <param name="dropout">How the table's dropout numbers are read; matters only in training.</param>
    /// <exception cref="UserErrorException">There is no such architecture, or the images are too small for it.</exception>
    public static Module Create(string name, ImageShape shape, int classes, Generator random, DropoutReading dropout = DropoutReading.Drop) =>
        Plan(name, shape, classes, dropout).Build(random);

    /// <summary>The number of parameters of an architecture; nothing is allocated.</summary>
    /// <exception cref="UserErrorException">There is no such architecture, or the images are too small for it.</exception>
    public static long ParameterCount(string name, ImageShape shape, int classes) => Plan(name, shape, classes, DropoutReading.Drop).Parameters;

    internal static NetworkPlan Plan(string name, ImageShape shape, int classes, DropoutReading dropout)
    {
        var images = new NetworkPlan(shape, dropout);
        return FullName(name) switch
        {
            "classifier-a" => images.Convolution(64, 5, same: true).Convolution(64, 5, stride: 2).Dropout(0.25).Hidden(128).Dropout(0.5).Logits(classes),
            "classifier-b" => images.Dropout(0.2).Convolution(64, 8, stride: 2, same: true).Convolution(128, 6, stride: 2).Convolution(128, 5).Dropout(0.5).Logits(classes),
            "classifier-c" => images.Convolution(128, 3, same: true).Convolution(64, 5, stride: 2).Dropout(0.25).Hidden(128).Dropout(0.5).Logits(classes),
            "classifier-d" => images.Hidden(200).Dropout(0.5).Hidden(200).Logits(classes),
            "classifier-e" => images.Hidden(200).Hidden(200).Logits(classes),
            "classifier-f" => images.Convolution(64, 8, stride: 2, same: true).Convolution(128, 6, stride: 2).Convolution(128, 5).Logits(classes),
            _ => images.Convolution(20, 5).MaxPool().Convolution(50, 5).MaxPool().Hidden(500).Logits(classes),
        };
    }
}
