using System.Globalization;
using Parry.Attacks.Building;
using Parry.Defenses.Breaks;
using Parry.Models.Training;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Robust manifold training, the second half of enhanced invert and classify (Ilyas, Jalal, Asteri, Daskalakis,
/// Dimakis, 2017, 1712.09196): while it minimizes another loss, in the paper that of adversarial training with PGD in
/// L2, the classifier C also learns to give the same answer for two images that a generator draws close to each other.
/// From time to time a <see cref="PairSearch"/> looks for pairs with different answers, and the mean of -Σ C(x₁) log
/// C(x₂) over those found is added, with a weight, to the mean loss of that batch.
/// </summary>
/// <remarks>
/// As in the authors' code, pairs are searched in every fifth epoch, as many as a batch has images, and used once;
/// there is no search before the first epoch. Deviation: the pairs join the loss of the epoch's first batch, where the
/// code takes a step of its own on them. Pairs belong to the batch's images, so that a resumed training finds the same
/// ones.
/// </remarks>
/// <param name="Beside">The loss that is minimized in every batch.</param>
/// <param name="Search">Finds pairs.</param>
/// <param name="GeneratorName">The generator's name, for weight files and checkpoints.</param>
public sealed record RobustManifold(ITrainingLoss Beside, PairSearch Search, string GeneratorName) : ITrainingLoss
{
    // No other draws of a training have this number.
    private const long Stream = 1712_09196;

    /// <summary>Epochs from one search to the next.</summary>
    public int Every { get; init; } = 5;

    /// <summary>The weight of the pairs' cross entropy.</summary>
    public double Weight { get; init; } = 0.01;

    /// <inheritdoc/>
    public string Description =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Beside.Description ?? "cross entropy"}, robust manifold of {GeneratorName} every {Every} epochs, pairs "
                + $"within {Search.Distance}, weight {Weight}"
        );

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Logits) Of(TrainingPiece piece)
    {
        var (loss, logits) = Beside.Of(piece);
        if (piece.Epoch == 0 || piece.Epoch % Every != 0)
            return (loss, logits);
        ManifoldPairs pairs = Pairs(piece);
        long[] found = Rows.Where(pairs.Found, true);
        if (found.Length == 0)
            return (loss, logits);
        Tensor first = piece.Network.forward(pairs.First.At(found));
        Tensor second = piece.Network.forward(pairs.Second.At(found));
        Tensor difference = PairSearch.CrossEntropy(first, second).mean();
        // The trainer divides by the number of images in the batch, and each piece gives its share of the mean.
        return (loss + (Weight * piece.Images.size(0) * difference), logits);
    }

    /// <summary>Searches one pair for each image of a piece of a batch.</summary>
    internal ManifoldPairs Pairs(TrainingPiece piece) => Search.Find(piece.Classifier, piece.Random.Fork(Stream));
}
