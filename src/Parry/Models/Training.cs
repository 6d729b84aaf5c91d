using Parry.Models.Architectures;

namespace Parry.Models;

/// <summary>
/// How a classifier is trained: Adam on a loss. The defaults are Defense-GAN's (1805.06605), but for the reading of
/// dropout.
/// </summary>
public sealed record Training
{
    /// <summary>The architecture, one of <see cref="Classifiers.Names"/>.</summary>
    public string Architecture { get; init; } = "classifier-a";

    /// <summary>Passes over the training images.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Images in a batch.</summary>
    public int BatchSize { get; init; } = 50;

    /// <summary>Adam's step size at the start.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Adam's step size at the end: it changes linearly, step by step. Null keeps it constant.</summary>
    public double? FinalLearningRate { get; init; }

    /// <summary>
    /// Whether each training image is mirrored left to right with probability 1/2: for things that look the same so,
    /// not for digits.
    /// </summary>
    public bool Mirror { get; init; }

    /// <summary>What is lowered: the cross entropy of the images as they are, unless said otherwise.</summary>
    public ITrainingLoss Loss { get; init; } = new CrossEntropy();

    /// <summary>How the architecture's dropout numbers are read.</summary>
    public DropoutReading Dropout { get; init; }

    /// <summary>Decides first weights, order of images and dropout.</summary>
    public long Seed { get; init; } = 1;
}
