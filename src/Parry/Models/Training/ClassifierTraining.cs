using System.Globalization;
using Parry.Models.Architectures;

namespace Parry.Models.Training;

/// <summary>
/// How a classifier is trained: Adam on a loss. The defaults are Defense-GAN's (1805.06605), except for the reading of
/// dropout.
/// </summary>
public sealed record ClassifierTraining : TrainingSchedule
{
    /// <summary>The defaults.</summary>
    public ClassifierTraining() => BatchSize = 50;

    /// <summary>The architecture, one of <see cref="Classifiers.Names"/>.</summary>
    public string Architecture { get; init; } = "classifier-a";

    /// <summary>
    /// Whether each training image is mirrored left to right with probability 1/2, which suits most objects but not
    /// digits.
    /// </summary>
    public bool Mirror { get; init; }

    /// <summary>The loss; by default the cross entropy of clean images.</summary>
    public ITrainingLoss Loss { get; init; } = new CrossEntropy();

    /// <summary>How the architecture's dropout numbers are read.</summary>
    public DropoutReading Dropout { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Architecture}, {Epochs} epochs of batches of {BatchSize}, learning rate {LearningRate} to "
                + $"{FinalLearningRate ?? LearningRate}, {(Loss.Description is { } loss ? loss + ", " : "")}"
                + $"{(Mirror ? "mirrored, " : "")}dropout read as {Dropout}, seed {Seed}"
        );
}
