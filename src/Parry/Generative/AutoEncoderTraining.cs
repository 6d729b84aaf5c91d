using System.Globalization;

namespace Parry.Generative;

/// <summary>How an auto-encoder is trained: Adam over shuffled batches.</summary>
public sealed record AutoEncoderTraining
{
    /// <summary>Passes over the training images.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Images in a batch.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Adam's step size.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Decides first weights, order of images and noise.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>What a checkpoint's training must have in common with one that goes on from it: all but the number of epochs.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"batches of {BatchSize}, learning rate {LearningRate}, seed {Seed}");
}
