using System.Globalization;
using Parry.Attacks.Building;
using Parry.Defenses.Breaks;
using Parry.Models;
using Parry.Models.Training;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Robust manifold training, the second half of enhanced invert and classify (Ilyas, Jalal, Asteri, Daskalakis,
/// Dimakis, 2017, 1712.09196): beside another loss, in the paper that of adversarial training with PGD in L2, the
/// classifier learns to answer alike to two near images of a generator. From time to time a <see cref="PairSearch"/>
/// looks for pairs to which it does not, and the mean of -Σ C(x₁) log C(x₂) over those found is added, with a weight,
/// to the mean loss of that batch.
/// </summary>
/// <remarks>
/// As in the authors' code pairs are sought on every fifth epoch and used once, as many as a batch has images; before
/// the first epoch there is nothing to search. Deviation: what is found joins the loss of the epoch's first batch,
/// where the code takes a step of its own on it. Pairs belong to the batch's images, so that a resumed training finds
/// the same ones.
/// </remarks>
/// <param name="Beside">The loss that is lowered all the time.</param>
/// <param name="Search">Finds pairs.</param>
/// <param name="GeneratorName">By which the generator is known.</param>
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
        Tensor differing = PairSearch.CrossEntropy(
            piece.Network.forward(pairs.First.At(found)),
            piece.Network.forward(pairs.Second.At(found))
        );

        // The trainer divides by the batch's images: each piece gives its share of the mean.
        return (loss.add(differing.mean().mul(Weight * piece.Images.size(0))), logits);
    }

    /// <summary>The pairs that are sought for some images of a batch, one for each.</summary>
    internal ManifoldPairs Pairs(TrainingPiece piece) => Search.Find(piece.Classifier, piece.Random.Fork(Stream));
}
