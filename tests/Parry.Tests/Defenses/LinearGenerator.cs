using Parry.Generative;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

/// <summary>Draws offset + z · basis: projections onto it are least squares.</summary>
/// <param name="shape">Of the images.</param>
/// <param name="basis">[latent, pixels].</param>
/// <param name="offset">The value of every pixel at z = 0.</param>
internal sealed class LinearGenerator(ImageShape shape, Tensor basis, double offset) : ILatentModel
{
    public ImageShape Shape => shape;

    public int Latent => (int)basis.size(0);

    public Drawing Draw(Tensor latents, ScalarType compute = ScalarType.Float32) =>
        new(
            latents.mm(basis).add(offset).reshape(-1, shape.Channels, shape.Height, shape.Width),
            gradient => gradient.flatten(1).mm(basis.transpose(0, 1))
        );
}
