using System.Globalization;
using Parry.Data;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Trains PuVAE's network (Hwang, Park, Jang, Yoon, Cho, 2019, 1903.00585) on clean images with their labels: to
/// reconstruct them (cross entropy of pixels), with codes near the prior, and so that a source classifier, which is not
/// trained, sees the label in the reconstruction.
/// </summary>
/// <remarks>
/// The terms are sums over pixels and components, with the weights 0.01, 0.1 and 10. With means, the other two terms
/// would dominate the first.
/// </remarks>
public sealed record PuVaeTraining
{
    /// <summary>Maps of each convolution.</summary>
    public int Width { get; init; } = 32;

    /// <summary>Units of the encoder's linear layers.</summary>
    public int Hidden { get; init; } = 1024;

    /// <summary>The length of a latent vector.</summary>
    public int Latent { get; init; } = 32;

    /// <summary>Weight of the pixels' cross entropy.</summary>
    public double ReconstructionWeight { get; init; } = 0.01;

    /// <summary>Weight of the divergence of codes from the prior.</summary>
    public double DivergenceWeight { get; init; } = 0.1;

    /// <summary>Weight of the source classifier's cross entropy.</summary>
    public double ClassWeight { get; init; } = 10;

    /// <summary>Passes, batches and step size.</summary>
    public TrainingSchedule Schedule { get; init; } = new();

    /// <summary>Prepares the training; the caller owns it.</summary>
    /// <param name="images">The training images.</param>
    /// <param name="source">The source classifier, in evaluation mode and frozen.</param>
    /// <param name="sourceName">Its name, for checkpoints.</param>
    /// <exception cref="UserErrorException">The classifier does not fit the images, or an option is out of
    /// range.</exception>
    public NetworkTrainer<PuVaeNetwork> On(ImageSet images, IClassifier source, string sourceName)
    {
        if (source.Shape != images.Shape || source.Classes != images.ClassNames.Count)
            throw new UserErrorException(
                $"expected a source classifier of {images.ClassNames.Count} classes of {images.Shape} images, got one "
                    + $"of {source.Classes} classes of {source.Shape}: give one that was trained on {images.Name}"
            );
        using var random = Devices.Generator(Schedule.Seed);
        var network = new PuVaeNetwork(images.Shape, images.ClassNames.Count, random, Width, Hidden, Latent);
        string recipe = string.Create(CultureInfo.InvariantCulture, $"{this} on {images.Name} with {sourceName}");
        return new NetworkTrainer<PuVaeNetwork>(
            Schedule,
            recipe,
            network,
            images.Count,
            (trained, rows) =>
            {
                var (batch, labels) = images.Batch(rows.Indices);
                return Loss(trained, source, batch, labels, rows.Anew.Normal(0, Latent)).sum();
            }
        );
    }

    /// <summary>The loss of each image, [N].</summary>
    /// <param name="network">The network in training.</param>
    /// <param name="source">The source classifier.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="labels">[N] int64.</param>
    /// <param name="noise">Standard normal numbers, [N, latent].</param>
    public Tensor Loss(PuVaeNetwork network, IClassifier source, Tensor images, Tensor labels, Tensor noise)
    {
        GaussianCode code = network.Encode(network.Features(images), labels);
        Tensor decoded = network.DecodeLogits(code.Draw(noise), labels);
        Tensor logits = source.Logits(Images.Of(decoded.sigmoid()));
        Tensor reconstruction = Elbo.CrossEntropy(decoded, images);
        Tensor divergence = code.Divergence();
        Tensor classification = nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.None);
        return (ReconstructionWeight * reconstruction)
            + (DivergenceWeight * divergence)
            + (ClassWeight * classification);
    }
}
