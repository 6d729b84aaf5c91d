using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>A defense that refuses images instead of, or besides, changing them.</summary>
public interface IDetector
{
    /// <summary>The name in reports.</summary>
    string Name { get; }

    /// <summary>An image is refused when its score is at least this.</summary>
    double Threshold { get; }

    /// <summary>
    /// Scores images, [N]: the less an image looks like those that the detector knows, the larger its score. Autograd
    /// can follow it to images that require gradients, as far as the detector can be differentiated.
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1], before any purifier.</param>
    /// <param name="random">Random draws for the same rows.</param>
    Tensor Scores(Tensor images, SampleRandom random);
}
