using System.Globalization;
using Parry.Attacks.Building;
using Parry.Data;
using Parry.Defenses.Detectors;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Trains MagNet's auto-encoders (Meng and Chen, 2017, 1705.09064) to reconstruct clean images from noisy ones, by mean
/// squared error; an image has the same noise in every epoch. Several members of a kind are first trained apart and
/// then together, with a reward for differing from each other.
/// </summary>
public sealed record MagNetTraining
{
    /// <summary>The number of auto-encoders of each kind; 8 in the paper's gray box.</summary>
    public int Members { get; init; } = 1;

    /// <summary>
    /// The standard deviation of the noise; null for the paper's, 0.1 for gray images and 0.025 for color.
    /// </summary>
    public double? Noise { get; init; }

    /// <summary>α: the weight of the members' mean squared distance from their mean.</summary>
    public double Diversity { get; init; } = 0.2;

    /// <summary>The number of first epochs in which members are trained apart.</summary>
    public int EpochsApart { get; init; } = 3;

    /// <summary>The weight of the sum of squares of all feature maps.</summary>
    public double Regularization { get; init; } = 1e-9;

    /// <summary>
    /// The share of validation images that each reconstruction detector refuses; null for the paper's, 0.001 for gray
    /// images and 0.005 for color.
    /// </summary>
    public double? FalsePositiveRate { get; init; }

    /// <summary>The share of validation images that each divergence detector refuses.</summary>
    public double DivergenceRate { get; init; } = 0.01;

    /// <summary>Passes, batches and step size.</summary>
    public TrainingSchedule Schedule { get; init; } = new() { Epochs = 100, BatchSize = 256 };

    /// <summary>Prepares the training; the caller owns it.</summary>
    /// <param name="images">The training images: MagNet validates on the first 5,000,
    /// <see cref="Split.MagNet"/>.</param>
    /// <exception cref="UserErrorException">An option is out of range.</exception>
    public NetworkTrainer<MagNetNetwork> On(ImageSet images)
    {
        if (Members < 1)
            throw new UserErrorException($"expected at least 1 member, got {Members}");
        using var random = Devices.Generator(Schedule.Seed);
        var network = new MagNetNetwork(images.Shape, Members, random);
        double noise = Noise ?? (images.Shape.Channels == 1 ? 0.1 : 0.025);
        return new NetworkTrainer<MagNetNetwork>(
            Schedule,
            string.Create(CultureInfo.InvariantCulture, $"{this} on {images.Name}"),
            network,
            images.Count,
            (trained, rows) =>
            {
                Tensor clean = images.Batch(rows.Indices).Images;
                Tensor noisy = (clean + (noise * rows.Once.Normal(0, clean.shape.AsSpan(1)))).clamp(0, 1);
                Tensor plain = Loss(trained.Plain, clean, noisy, rows.Epoch);
                Tensor pooled = Loss(trained.Pooled, clean, noisy, rows.Epoch);
                return plain + pooled;
            }
        );
    }

    /// <summary>Refuses rates of less than one validation image, so that hours of training are not in vain.</summary>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="validation">The number of validation images.</param>
    /// <exception cref="UserErrorException">A rate is out of range or too small.</exception>
    public void CheckRates(ImageShape shape, int validation)
    {
        _ = DetectorThreshold.At(new float[validation], Rate(shape));
        _ = DetectorThreshold.At(new float[validation], DivergenceRate);
    }

    /// <summary>The thresholds of a trained network's detectors, as its weight file has them.</summary>
    /// <param name="network">The network.</param>
    /// <param name="validation">Clean images that it was not trained on.</param>
    /// <param name="classifier">The classifier whose answers the divergence detectors compare; null leaves these
    /// detectors out.</param>
    /// <exception cref="UserErrorException">A rate is less than one of the validation images.</exception>
    public string Thresholds(MagNetNetwork network, ImageSet validation, IClassifier? classifier)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        double rate = Rate(network.Shape);
        Tensor images = validation.ImageTensor();
        var random = new SampleRandom(Schedule.Seed, Rows.All(validation.Count));
        var thresholds = Enumerable
            .Range(0, network.Members)
            .SelectMany(member => MagNetDetectors.Of(network, member, classifier))
            .GroupBy(
                detector => detector.Key,
                detector =>
                    DetectorThreshold.At(
                        detector.With(0).Scores(images, random).ToArray<float>(),
                        detector.Key.StartsWith('l') ? rate : DivergenceRate
                    )
            )
            .Select(group => $"{group.Key}={string.Join('/', group.Select(Exact))}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"rate={rate},{(classifier is null ? "" : $"jsd-rate={DivergenceRate},")}{string.Join(',', thresholds)}"
        );
    }

    private static string Exact(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    private double Rate(ImageShape shape) => FalsePositiveRate ?? (shape.Channels == 1 ? 0.001 : 0.005);

    // The members' reconstruction errors, regularized, less the reward α · |AE_i(x) - mean|² once they are trained
    // together; summed over images.
    private Tensor Loss(IReadOnlyList<MagNetAutoEncoder> members, Tensor clean, Tensor noisy, int epoch)
    {
        Tensor loss = zeros([]);
        var reconstructions = new List<Tensor>();
        foreach (MagNetAutoEncoder member in members)
        {
            IReadOnlyList<Tensor> maps = member.Trace(noisy);
            reconstructions.Add(maps[^1]);
            loss += Error(maps[^1], clean);
            foreach (Tensor map in maps)
                loss += Regularization * map.pow(2).sum();
        }

        if (members.Count < 2 || epoch < EpochsApart)
            return loss;
        Tensor mean = stack([.. reconstructions]).mean([0]);
        foreach (Tensor reconstruction in reconstructions)
            loss -= Diversity * Error(reconstruction, mean);
        return loss;
    }

    private static Tensor Error(Tensor images, Tensor wanted) => (images - wanted).pow(2).MeanPerImage().sum();
}
