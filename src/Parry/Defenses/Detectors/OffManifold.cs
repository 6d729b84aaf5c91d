using static TorchSharp.torch;

namespace Parry.Defenses.Detectors;

/// <summary>
/// Refuses images that are far from everything a generator draws: the score is |G(z*) - x| in L2, the length of the
/// step that a projection takes (Ilyas, Jalal, Asteri, Daskalakis, Dimakis, 2017, 1712.09196).
/// </summary>
/// <remarks>
/// Its gradient treats the projected image as a constant. At the nearest image that is the exact gradient of the
/// distance: the nearest point itself moves along the level.
/// </remarks>
/// <param name="Projection">The purifier that projects.</param>
/// <param name="Threshold">The L2 distance, of images in [0, 1], from which on an image is refused.</param>
public sealed record OffManifold(IPurifier Projection, double Threshold) : IDetector
{
    /// <inheritdoc/>
    public string Name => "distance from the manifold";

    /// <inheritdoc/>
    public Tensor Scores(Tensor images, SampleRandom random) =>
        linalg.vector_norm(images.sub(Projection.Purify(images.detach(), random).Images.detach()), 2, [1, 2, 3]);
}
