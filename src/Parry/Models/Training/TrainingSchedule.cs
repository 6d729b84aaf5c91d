using System.Globalization;

namespace Parry.Models.Training;

/// <summary>The schedule of a training on shuffled batches.</summary>
public record TrainingSchedule
{
    /// <summary>Passes over the training images.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Images in a batch.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>The step size at the start.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The step size at the end, reached linearly. Null keeps it constant.</summary>
    public double? FinalLearningRate { get; init; }

    /// <summary>The seed of the initial weights, the order of images, dropout and noise.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The step size after a share of the training, in [0, 1].</summary>
    public double RateAt(double done) => LearningRate + (done * ((FinalLearningRate ?? LearningRate) - LearningRate));

    /// <summary>
    /// What a training must have in common with the checkpoint it resumes: everything, but for the number of epochs if
    /// the step size is constant.
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

    /// <summary>Checks the settings.</summary>
    /// <param name="images">The number of training images.</param>
    /// <exception cref="UserErrorException">An option is out of range, or there are no images.</exception>
    public virtual void Check(int images)
    {
        if (Epochs < 1)
            throw new UserErrorException($"expected at least 1 epoch, got {Epochs}");
        if (BatchSize < 1)
            throw new UserErrorException($"expected at least 1 image per batch, got {BatchSize}");
        if (!(LearningRate > 0 && double.IsFinite(LearningRate)))
            throw new UserErrorException($"expected a learning rate above 0, got {LearningRate}");
        if (FinalLearningRate is { } final && !(final >= 0 && double.IsFinite(final)))
            throw new UserErrorException($"expected a final learning rate of 0 or more, got {final}");
        if (images < 1)
            throw new UserErrorException("expected images to train on, got none");
    }
}
