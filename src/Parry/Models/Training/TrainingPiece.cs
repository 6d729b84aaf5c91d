using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>Some images of a batch, and the network to train on them.</summary>
public sealed record TrainingPiece
{
    /// <summary>The network in training mode, with trainable parameters.</summary>
    public required nn.Module<Tensor, Tensor> Network { get; init; }

    /// <summary>
    /// The same weights in evaluation mode, frozen and shared by all pieces, for attacks during training.
    /// </summary>
    public required IClassifier Classifier { get; init; }

    /// <summary>[N, C, H, W] in [0, 1].</summary>
    public required Tensor Images { get; init; }

    /// <summary>The true classes, [N] int64.</summary>
    public required Tensor Labels { get; init; }

    /// <summary>Random draws for these images, different in every epoch.</summary>
    public required SampleRandom Random { get; init; }

    /// <summary>A number that all pieces of a batch share, for draws that are the same for the whole batch.</summary>
    public required long BatchSeed { get; init; }

    /// <summary>The number of epochs done, with the fraction of the current one: 0 at the first batch.</summary>
    public required double Epoch { get; init; }

    /// <summary>The share of an epoch that a batch is.</summary>
    public required double Step { get; init; }
}
