using System.Globalization;
using Parry.Data;
using Parry.Defenses.Detectors;
using Parry.Defenses.Purifiers;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// How MagNet's auto-encoders are trained (Meng and Chen, 2017, 1705.09064): to draw clean images from noisy ones, by
/// mean squared error, where an image has the same noise in every epoch. Several members of a kind are first trained by
/// themselves and then together, with a reward for drawing differently.
/// </summary>
public sealed record MagNetTraining
{
    /// <summary>How many auto-encoders there are of each kind: 8 in the paper's grey box.</summary>
    public int Members { get; init; } = 1;

    /// <summary>
    /// The standard deviation of the noise; null for the paper's: 0.1 for gray images, 0.025 for color.
    /// </summary>
    public double? Noise { get; init; }

    /// <summary>Weight α of the members' mean squared distance from their mean.</summary>
    public double Diversity { get; init; } = 0.2;

    /// <summary>Epochs in which members do not know of each other.</summary>
    public int EpochsApart { get; init; } = 3;

    /// <summary>Weight of the sum of squares of all maps.</summary>
    public double Regularization { get; init; } = 1e-9;

    /// <summary>
    /// The share of validation images that each reconstruction detector refuses; null for the paper's: 0.001 for gray
    /// images, 0.005 for color.
    /// </summary>
    public double? FalsePositiveRate { get; init; }

    /// <summary>The share of validation images that each divergence detector refuses.</summary>
    public double DivergenceRate { get; init; } = 0.01;

    /// <summary>Passes, batches and step size.</summary>
    public TrainingSchedule Schedule { get; init; } = new() { Epochs = 100, BatchSize = 256 };

    /// <summary>Prepares the training, which the caller owns.</summary>
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
                Tensor noisy = rows.Once.Normal(0, clean.shape.AsSpan(1)).mul_(noise).add_(clean).clamp_(0.0, 1.0);
                Tensor loss = Loss(trained.Plain, clean, noisy, rows.Epoch);
                return trained.Pooled.Count == 0 ? loss : loss.add(Loss(trained.Pooled, clean, noisy, rows.Epoch));
            }
        );
    }

    /// <summary>Refuses rates of less than one validation image, before hours of training.</summary>
    /// <param name="shape">Of the images.</param>
    /// <param name="validation">How many there are.</param>
    /// <exception cref="UserErrorException">A rate is out of range or too small.</exception>
    public void CheckRates(ImageShape shape, int validation)
    {
        _ = DetectorThreshold.At(new float[validation], Rate(shape));
        _ = DetectorThreshold.At(new float[validation], DivergenceRate);
    }

    /// <summary>The thresholds of a trained network's detectors, as its weight file has them.</summary>
    /// <param name="network">The network.</param>
    /// <param name="validation">Clean images that it has not learned from.</param>
    /// <param name="classifier">Whose answers the divergence detectors compare; null for none of these.</param>
    /// <exception cref="UserErrorException">A rate is less than one of the validation images.</exception>
    public string Thresholds(MagNetNetwork network, ImageSet validation, IClassifier? classifier)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        double rate = Rate(network.Shape);
        Tensor images = validation.ImageTensor();
        var random = new SampleRandom(
            Schedule.Seed,
            Enumerable.Range(0, validation.Count).Select(i => (long)i).ToArray()
        );
        var thresholds = Enumerable
            .Range(0, network.Members)
            .SelectMany(member => MagNet.DetectorsWithout(network, member, classifier))
            .GroupBy(
                detector => detector.Key,
                detector =>
                    DetectorThreshold.At(
                        detector.Made.Scores(images, random).ToArray<float>(),
                        detector.Key.StartsWith('l') ? rate : DivergenceRate
                    )
            )
            .Select(group =>
                $"{group.Key}={string.Join('/', group.Select(threshold => threshold.ToString("R", CultureInfo.InvariantCulture)))}"
            );
        return string.Create(
            CultureInfo.InvariantCulture,
            $"rate={rate},{(classifier is null ? "" : $"jsd-rate={DivergenceRate},")}{string.Join(',', thresholds)}"
        );
    }

    private double Rate(ImageShape shape) => FalsePositiveRate ?? (shape.Channels == 1 ? 0.001 : 0.005);

    // The sum over images of the members' errors, less the reward for differing once they know of each other.
    private Tensor Loss(IReadOnlyList<MagNetAutoEncoder> members, Tensor clean, Tensor noisy, int epoch)
    {
        Tensor loss = zeros([]);
        var drawn = new List<Tensor>();
        foreach (MagNetAutoEncoder member in members)
        {
            IReadOnlyList<Tensor> maps = member.Trace(noisy);
            drawn.Add(maps[^1]);
            loss = loss.add(Error(maps[^1], clean));
            foreach (Tensor map in maps)
                loss = loss.add(map.pow(2.0).sum().mul(Regularization));
        }

        if (members.Count == 1 || epoch < EpochsApart)
            return loss;
        Tensor mean = stack([.. drawn]).mean([0]);
        return drawn.Aggregate(loss, (sum, image) => sum.sub(Error(image, mean).mul(Diversity)));
    }

    private static Tensor Error(Tensor images, Tensor wanted) => images.sub(wanted).pow(2.0).mean([1, 2, 3]).sum();
}
