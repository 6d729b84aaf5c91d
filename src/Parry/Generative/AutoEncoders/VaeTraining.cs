using Parry.Data;
using Parry.Models.Training;
using Parry.Runtime;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// Trains dense variational auto-encoders by the evidence lower bound alone (Kingma and Welling, 2013, 1312.6114).
/// </summary>
public sealed record VaeTraining
{
    /// <summary>The sizes of the layers.</summary>
    public VaeSizes Sizes { get; init; } = new();

    /// <summary>Passes, batches and step size.</summary>
    public TrainingSchedule Schedule { get; init; } = new() { Epochs = 20 };

    /// <summary>Prepares the training of a <see cref="Vae"/>; the caller owns it.</summary>
    public NetworkTrainer<Vae> On(ImageSet images)
    {
        using var random = Devices.Generator(Schedule.Seed);
        return new NetworkTrainer<Vae>(
            Schedule,
            Recipe(Vae.Architecture, images),
            new Vae(images.Shape, random, Sizes),
            images.Count,
            (trained, rows) => trained.Loss(images.Batch(rows.Indices).Images, rows.Anew.Normal(0, Sizes.Latent)).sum()
        );
    }

    /// <summary>Prepares the training of a <see cref="ConditionalVae"/>; the caller owns it.</summary>
    public NetworkTrainer<ConditionalVae> WithLabels(ImageSet images)
    {
        using var random = Devices.Generator(Schedule.Seed);
        var network = new ConditionalVae(images.Shape, images.ClassNames.Count, random, Sizes);
        return new NetworkTrainer<ConditionalVae>(
            Schedule,
            Recipe(ConditionalVae.Architecture, images),
            network,
            images.Count,
            (trained, rows) =>
            {
                var (batch, labels) = images.Batch(rows.Indices);
                return trained.Loss(batch, labels, rows.Anew.Normal(0, Sizes.Latent)).sum();
            }
        );
    }

    private string Recipe(string architecture, ImageSet images) =>
        $"{architecture}, latent={Sizes.Latent}, {Sizes.Text} on {images.Name}";
}
