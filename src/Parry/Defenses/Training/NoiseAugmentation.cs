using System.Globalization;
using Parry.Models.Training;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Trains on images with normal noise, drawn anew every time and not clipped to [0, 1]: what the classifier behind
/// randomized smoothing needs (Cohen, Rosenfeld, Kolter, 2019, 1902.02918).
/// </summary>
/// <param name="Deviation">σ: the standard deviation of the noise, the same as in smoothing.</param>
public sealed record NoiseAugmentation(double Deviation) : ITrainingLoss
{
    /// <inheritdoc/>
    public string Description => string.Create(CultureInfo.InvariantCulture, $"noise of deviation {Deviation}");

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Logits) Of(nn.Module<Tensor, Tensor> network, TrainingPiece piece)
    {
        Tensor noise = Deviation * piece.Random.Normal(0, piece.Images.shape.AsSpan(1));
        Tensor logits = network.forward(piece.Images + noise);
        return (CrossEntropy.Sum(logits, piece.Labels), logits);
    }
}
