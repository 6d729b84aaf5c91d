using System.Globalization;

namespace Parry.Generative.AutoEncoders;

/// <summary>How an auto-encoder is trained: Adam over shuffled batches.</summary>
public sealed record AutoEncoderTraining
{
    /// <summary>Passes over the training images.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Images in a batch.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Adam's step size.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Adam's step size at the end, reached linearly, step by step; null for a constant one.</summary>
    public double? FinalLearningRate { get; init; }

    /// <summary>Decides first weights, order of images and noise.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>
    /// What a checkpoint's training must have in common with one that goes on from it: all, but the number of epochs
    /// where the step size is constant.
    /// </summary>
    public override string ToString() =>
        FinalLearningRate is { } final
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{Epochs} epochs of batches of {BatchSize}, learning rate {LearningRate} to {final}, seed {Seed}"
            )
            : string.Create(
                CultureInfo.InvariantCulture,
                $"batches of {BatchSize}, learning rate {LearningRate}, seed {Seed}"
            );
}
