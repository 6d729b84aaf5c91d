using Parry.Generative;
using Parry.Torch;

namespace Parry.Tests.Defenses;

/// <summary>Draws offset + z · basis: projections onto it are least squares.</summary>
/// <param name="shape">Of the images.</param>
/// <param name="basis">[latent, pixels].</param>
/// <param name="offset">The value of every pixel at z = 0.</param>
internal sealed class LinearSpanner(ImageShape shape, Tensor basis, double offset) : ISpanner
{
    public ImageShape Shape => shape;

    public int Latent => (int)basis.Size(0);

    public Drawing Draw(Tensor latents, DType compute = DType.Float32) => new(
        latents.MatMul(basis).Add(offset).Reshape(-1, shape.Channels, shape.Height, shape.Width),
        gradient => gradient.Flatten().MatMul(basis.Transpose(0, 1)));
}
