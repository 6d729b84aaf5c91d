using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>Some images of a batch that a classifier is trained on.</summary>
public sealed record TrainingPiece : IDisposable
{
    /// <summary>
    /// The weights in training as a classifier in evaluation mode, frozen and shared by all pieces, for attacks during
    /// training.
    /// </summary>
    public required IClassifier Classifier { get; init; }

    /// <summary>[N, C, H, W] in [0, 1].</summary>
    public required Tensor Images { get; init; }

    /// <summary>What the attack of the loss made of the images; the images themselves where there is none.</summary>
    public Tensor Attacked
    {
        get => field ?? Images;
        init;
    }

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

    /// <summary>The share of a warm-up that is done, in [0, 1].</summary>
    /// <param name="epochs">Its length; 0 for none.</param>
    public double WarmedUp(double epochs) => epochs > 0 ? Math.Min(1, Epoch / epochs) : 1;

    /// <summary>Frees images and labels.</summary>
    public void Dispose()
    {
        Images.Dispose();
        Attacked.Dispose();
        Labels.Dispose();
    }
}
