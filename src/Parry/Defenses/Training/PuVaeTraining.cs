using System.Globalization;
using Parry.Data;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// How PuVAE's network is trained (Hwang, Park, Jang, Yoon, Cho, 2019, 1903.00585): on clean images with their labels,
/// so that it draws them again (cross entropy of pixels), with codes near the prior, and so that a source classifier,
/// which stays as it is, sees the label in what is drawn.
/// </summary>
/// <remarks>
/// Sums over pixels and components with the weights 0.01, 0.1 and 10: with means, the other two terms would drown the
/// first.
/// </remarks>
public sealed record PuVaeTraining
{
    /// <summary>Maps of each convolution.</summary>
    public int Width { get; init; } = 32;

    /// <summary>Units of the encoder's linear layers.</summary>
    public int Hidden { get; init; } = 1024;

    /// <summary>The length of the latent vector.</summary>
    public int Latent { get; init; } = 32;

    /// <summary>Weight of the pixels' cross entropy.</summary>
    public double ReconstructionWeight { get; init; } = 0.01;

    /// <summary>Weight of the divergence of codes from the prior.</summary>
    public double DivergenceWeight { get; init; } = 0.1;

    /// <summary>Weight of the source classifier's cross entropy.</summary>
    public double ClassWeight { get; init; } = 10;

    /// <summary>Passes, batches and step size.</summary>
    public TrainingSchedule Schedule { get; init; } = new();

    /// <summary>Prepares the training, which the caller owns.</summary>
    /// <param name="images">The training images.</param>
    /// <param name="source">The source classifier, in evaluation mode and frozen; nothing of it changes.</param>
    /// <param name="sourceName">Its name, for checkpoints.</param>
    /// <exception cref="UserErrorException">The classifier does not fit the images, or an option is out of
    /// range.</exception>
    public NetworkTrainer<PuVaeNetwork> On(ImageSet images, IClassifier source, string sourceName)
    {
        if (source.Shape != images.Shape || source.Classes != images.ClassNames.Count)
            throw new UserErrorException(
                $"the source classifier tells {source.Classes} classes of {source.Shape} images apart, not "
                    + $"{images.ClassNames.Count} of {images.Shape}: give one that was trained on {images.Name}"
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
    /// <param name="network">What is trained.</param>
    /// <param name="source">The source classifier.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="labels">[N] int64.</param>
    /// <param name="noise">Standard normal numbers, [N, latent].</param>
    public Tensor Loss(PuVaeNetwork network, IClassifier source, Tensor images, Tensor labels, Tensor noise)
    {
        GaussianCode code = network.Encode(network.Look(images), labels);
        Tensor drawn = network.DecodeLogits(code.Draw(noise), labels);
        Tensor seen = nn.functional.nll_loss(
            source.Logits(Images.Of(drawn.sigmoid())).log_softmax(-1),
            labels,
            reduction: nn.Reduction.None
        );
        return Elbo.CrossEntropy(drawn, images)
            .mul(ReconstructionWeight)
            .add(code.Divergence().mul(DivergenceWeight))
            .add(seen.mul(ClassWeight));
    }
}
