using static TorchSharp.torch;

namespace Parry.Defenses.Detectors;

/// <summary>
/// Refuses images that an auto-encoder draws again badly: the score is the mean over pixels of |x - AE(x)|^p (MagNet:
/// Meng and Chen, 2017, 1705.09064).
/// </summary>
/// <param name="AutoEncoder">From images to images of the same shape.</param>
/// <param name="Shape">Of the images.</param>
/// <param name="Power">p: 1 or 2.</param>
/// <param name="Threshold">The score from which on an image is refused.</param>
public sealed record ReconstructionError(
    nn.Module<Tensor, Tensor> AutoEncoder,
    ImageShape Shape,
    int Power,
    double Threshold
) : IDetector
{
    private const int RowsAtOnce = 256;

    /// <inheritdoc/>
    public string Name => $"reconstruction error L{Power}";

    /// <inheritdoc/>
    public Tensor Scores(Tensor images, SampleRandom random) =>
        RowPieces.Score(
            this,
            Shape,
            images,
            random,
            RowsAtOnce,
            rows =>
            {
                Tensor difference = rows.sub(AutoEncoder.forward(rows));
                return (Power == 1 ? difference.abs() : difference.pow((double)Power)).mean([1, 2, 3]);
            }
        );
}
