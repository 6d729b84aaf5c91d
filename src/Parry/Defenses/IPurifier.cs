using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>
/// How a gradient passes through a purifier when an attacker who knows it differentiates the defended model.
/// </summary>
public enum GradientPath
{
    /// <summary>
    /// As if the purifier returned its input: backward pass differentiable approximation, BPDA (Athalye, Carlini,
    /// Wagner, 2018, 1802.00420).
    /// </summary>
    Identity,

    /// <summary>Through the purifier's own operators, by autograd.</summary>
    Exact,
}

/// <summary>
/// A defense that replaces an image by a clean one before the classifier sees it. It says how a gradient passes through
/// it, so that <see cref="ProtectedClassifier"/> makes a model of it that ordinary attacks attack with full knowledge.
/// </summary>
public interface IPurifier
{
    /// <summary>The name on the command line and in reports.</summary>
    string Name { get; }

    /// <summary>The shape of the images it takes and gives.</summary>
    ImageShape Shape { get; }

    /// <summary>How an attacker's gradient passes through it.</summary>
    GradientPath Path { get; }

    /// <summary>Whether it draws random numbers, so that two purifications of an image may differ.</summary>
    bool IsRandom { get; }

    /// <summary>Purifies a batch.</summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="random">Random draws for the same rows.</param>
    Purified Purify(Tensor images, SampleRandom random);
}

/// <summary>What a purifier gives.</summary>
/// <param name="Images">The purified images, [N, C, H, W] in [0, 1].</param>
/// <param name="Errors">The mean squared difference between each image and its purified one, [N]. It is large for
/// images that the purifier's model does not know, so it can serve as a detector's score.</param>
public sealed record Purified(Tensor Images, Tensor Errors)
{
    /// <summary>Measures the errors of purified images.</summary>
    /// <param name="images">The images before, [N, C, H, W].</param>
    /// <param name="purified">The images after, [N, C, H, W].</param>
    public static Purified Of(Tensor images, Tensor purified) =>
        new(purified, (purified - images).pow(2).MeanPerImage());
}
