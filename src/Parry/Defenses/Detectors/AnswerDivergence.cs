using System.Globalization;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Defenses.Detectors;

/// <summary>
/// MagNet's detector of probability divergence (Meng and Chen, 2017, 1705.09064): refuses images that a classifier C
/// judges differently once an auto-encoder AE has reconstructed them. The score is the Jensen-Shannon divergence of
/// softmax(C(x) / T) and softmax(C(AE(x)) / T).
/// </summary>
/// <param name="AutoEncoder">AE: from images to images of the same shape.</param>
/// <param name="Classifier">C, whose answers are compared.</param>
/// <param name="Temperature">T, by which logits are divided: 10 and 40 in the paper.</param>
/// <param name="Threshold">An image is refused when its score is at least this.</param>
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
        this.ScoreInPieces(
            Classifier.Shape,
            images,
            random,
            RowsAtOnce,
            (rows, _) =>
            {
                Tensor logits = Classifier.Logits(Images.Of(rows));
                Tensor reconstructed = Classifier.Logits(Images.Of(AutoEncoder.forward(rows)));
                return Divergence(logits / Temperature, reconstructed / Temperature);
            }
        );

    /// <summary>
    /// The Jensen-Shannon divergence of p = softmax(first) and q = softmax(second), ½ KL(p ‖ m) + ½ KL(q ‖ m) with m =
    /// ½ (p + q), in nats, from 0 to log 2, [N].
    /// </summary>
    /// <param name="first">Logits, [N, classes].</param>
    /// <param name="second">Logits, [N, classes].</param>
    public static Tensor Divergence(Tensor first, Tensor second)
    {
        Tensor middle = (first.softmax(-1) + second.softmax(-1)) * 0.5;
        Tensor logMiddle = middle.clamp_min(Smallest).log();
        return (FromMiddle(first) + FromMiddle(second)) * 0.5;

        Tensor FromMiddle(Tensor logits)
        {
            Tensor log = logits.log_softmax(-1);
            return (log.exp() * (log - logMiddle)).sum(1);
        }
    }
}
