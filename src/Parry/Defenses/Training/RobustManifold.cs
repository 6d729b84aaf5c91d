using System.Globalization;
using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses.Breaks;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Robust manifold training, the second half of enhanced invert and classify (Ilyas, Jalal, Asteri, Daskalakis,
/// Dimakis, 2017, 1712.09196): while it minimizes another loss, the classifier C also learns to give the same answer
/// for two images that a generator draws close to each other. From time to time a <see cref="PairSearch"/> looks for
/// such pairs x₁, x₂. The paper's last version minimizes loss + w · mean -Σ C(x₁) log C(x₂) over the pairs with
/// different labels, beside adversarial training with PGD in L2. Its first version, which
/// <see cref="PairDifference.Squared"/> chooses, minimizes (1 - w) · loss + w · mean |C(x₁) - C(x₂)|² over all pairs
/// within the distance; it writes μ for w and η for the distance, and has the supremum over pairs for their mean.
/// </summary>
/// <remarks>
/// As in the authors' code of the last version, pairs are searched in every fifth epoch, as many as a batch has images,
/// and used once; there is no search before the first epoch. Deviation: the pairs join the loss of a batch, where the
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

    /// <summary>Epochs from one search to the next; 0.1 for ten searches an epoch.</summary>
    public double Every { get; init; } = 5;

    /// <summary>w: the weight of the pairs, by default 0.01, and 0.5 for the squared difference.</summary>
    public double Weight { get; init; } = IsSquared(Search) ? 0.5 : 0.01;

    /// <inheritdoc/>
    public string Description =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Beside.Description ?? "cross entropy"}, robust manifold of {GeneratorName} every {Every} epochs, pairs "
                + $"within {Search.Distance}, {(IsSquared(Search) ? "squared difference, " : "")}weight {Weight}"
        );

    /// <inheritdoc/>
    public Tensor Attacked(TrainingPiece piece) => Beside.Attacked(piece);

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Logits) Of(nn.Module<Tensor, Tensor> network, TrainingPiece piece)
    {
        var (loss, logits) = Beside.Of(network, piece);
        if (IsSquared(Search))
            loss = (1 - Weight) * loss;
        if (!IsDue(piece))
            return (loss, logits);
        ManifoldPairs pairs = Pairs(piece);
        long[] used = Rows.Where(IsSquared(Search) ? Near(pairs) : pairs.Found, true);
        if (used.Length == 0)
            return (loss, logits);
        Tensor first = network.forward(pairs.First.At(used));
        Tensor second = network.forward(pairs.Second.At(used));
        Tensor difference = Search.Difference.Of(first, second).mean();
        // The trainer divides by the number of images in the batch, and each piece gives its share of the mean.
        return (loss + (Weight * piece.Images.size(0) * difference), logits);
    }

    /// <summary>Searches one pair for each image of a piece of a batch.</summary>
    internal ManifoldPairs Pairs(TrainingPiece piece) => Search.Find(piece.Classifier, piece.Random.Fork(Stream));

    // Whether a multiple of Every is nearer to the start of this batch than to that of another.
    private bool IsDue(TrainingPiece piece)
    {
        double half = piece.Step / 2;
        return piece.Epoch > 0 && Math.Floor((piece.Epoch + half) / Every) > Math.Floor((piece.Epoch - half) / Every);
    }

    private bool[] Near(ManifoldPairs pairs) =>
        (Norm.L2.Of(pairs.First - pairs.Second) <= Search.Distance).ToArray<bool>();

    private static bool IsSquared(PairSearch search) => search.Difference == PairDifference.Squared;
}
