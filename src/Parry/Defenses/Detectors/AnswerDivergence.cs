using System.Globalization;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses.Detectors;

/// <summary>
/// Refuses images of which a classifier thinks otherwise once an auto-encoder has drawn them again: the score is the
/// Jensen-Shannon divergence of the two answers, softened by a temperature (MagNet: Meng and Chen, 2017, 1705.09064).
/// </summary>
/// <param name="AutoEncoder">From images to images of the same shape.</param>
/// <param name="Classifier">Whose answers are compared.</param>
/// <param name="Temperature">By what logits are divided: 10 and 40 in the paper.</param>
/// <param name="Threshold">The score from which on an image is refused.</param>
public sealed record AnswerDivergence(
    nn.Module<Tensor, Tensor> AutoEncoder,
    IClassifier Classifier,
    double Temperature,
    double Threshold
) : IDetector
{
    private const int RowsAtOnce = 256;
    private const double Smallest = 1e-30;

    /// <inheritdoc/>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"answer divergence T={Temperature}");

    /// <inheritdoc/>
    public Tensor Scores(Tensor images, SampleRandom random) =>
        RowPieces.Score(
            this,
            Classifier.Shape,
            images,
            random,
            RowsAtOnce,
            rows =>
                Divergence(
                    Classifier.Logits(Images.Of(rows)).div(Temperature),
                    Classifier.Logits(Images.Of(AutoEncoder.forward(rows))).div(Temperature)
                )
        );

    /// <summary>
    /// The Jensen-Shannon divergence of the softmax of two rows of logits [N, classes], in nats, [N]: from 0 to log 2.
    /// </summary>
    public static Tensor Divergence(Tensor first, Tensor second)
    {
        Tensor middle = first.softmax(-1).add(second.softmax(-1)).mul(0.5).clamp_min(Smallest).log();
        return From(first).add(From(second)).mul(0.5);

        Tensor From(Tensor logits)
        {
            Tensor logarithms = logits.log_softmax(-1);
            return logarithms.exp().mul(logarithms.sub(middle)).sum(1);
        }
    }
}
