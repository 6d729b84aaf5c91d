using static TorchSharp.torch;

namespace Parry.Defenses.Detectors;

/// <summary>
/// MagNet's detector of reconstruction error (Meng and Chen, 2017, 1705.09064): refuses images that an auto-encoder AE
/// reconstructs badly. The score is the mean over pixels of |x - AE(x)|^p.
/// </summary>
/// <param name="AutoEncoder">AE: from images to images of the same shape.</param>
/// <param name="Shape">The shape of the images.</param>
/// <param name="Power">p: 1 or 2.</param>
/// <param name="Threshold">An image is refused when its score is at least this.</param>
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
        this.ScoreInPieces(
            Shape,
            images,
            random,
            RowsAtOnce,
            (rows, _) => (rows - AutoEncoder.forward(rows)).abs().pow(Power).MeanPerImage()
        );
}
