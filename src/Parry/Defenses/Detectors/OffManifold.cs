using static TorchSharp.torch;

namespace Parry.Defenses.Detectors;

/// <summary>
/// Refuses images that are far from everything that a generator G draws: the score is |x - G(z*)| in L2, how far a
/// projection moves the image (Ilyas, Jalal, Asteri, Daskalakis, Dimakis, 2017, 1712.09196).
/// </summary>
/// <remarks>
/// Its gradient treats the projected image as a constant. Where that is the nearest image, this is the exact gradient
/// of the distance.
/// </remarks>
/// <param name="Projection">The purifier that projects images.</param>
/// <param name="Threshold">The L2 distance, of images in [0, 1], from which an image is refused.</param>
public sealed record OffManifold(IPurifier Projection, double Threshold) : IDetector
{
    /// <inheritdoc/>
    public string Name => "distance from the manifold";

    /// <inheritdoc/>
    public Tensor Scores(Tensor images, SampleRandom random)
    {
        Tensor projected = Projection.Purify(images.detach(), random).Images.detach();
        return (images - projected).LengthPerImage();
    }
}
