using System.Globalization;
using Parry.Models;
using Parry.Models.Training;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Training on images under normal noise, drawn anew every time and not cut to [0, 1]: what the classifier behind
/// randomized smoothing needs (Cohen, Rosenfeld, Kolter, 2019, 1902.02918).
/// </summary>
/// <param name="Deviation">The standard deviation of the noise; smoothing takes the same.</param>
public sealed record NoiseAugmentation(double Deviation) : ITrainingLoss
{
    /// <inheritdoc/>
    public string Description => string.Create(CultureInfo.InvariantCulture, $"noise of deviation {Deviation}");

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Logits) Of(TrainingPiece piece)
    {
        Tensor noise = piece.Random.Normal(0, piece.Images.shape.AsSpan(1)).mul_(Deviation);
        Tensor logits = piece.Network.forward(piece.Images.add(noise));
        return (CrossEntropy.Sum(logits, piece.Labels), logits);
    }
}
