using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>A defense that refuses images instead of, or besides, changing them.</summary>
public interface IDetector
{
    /// <summary>As reports name it.</summary>
    string Name { get; }

    /// <summary>An image is refused when its score is at or above this.</summary>
    double Threshold { get; }

    /// <summary>
    /// One score per image, [N]: large for what the detector does not know. Autograd follows it to images that require
    /// gradients, as far as the detector can be differentiated.
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1], as they came, before any purifier.</param>
    /// <param name="random">Random draws for the same rows.</param>
    Tensor Scores(Tensor images, SampleRandom random);
}
