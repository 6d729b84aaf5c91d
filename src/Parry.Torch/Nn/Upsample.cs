namespace Parry.Torch.Nn;

/// <summary>Makes maps larger by a whole factor; every pixel becomes a square of its value.</summary>
/// <param name="factor">How many times higher and wider.</param>
public sealed class Upsample(long factor = 2) : Module
{
    /// <summary>[N, C, h, w] to [N, C, factor · h, factor · w].</summary>
    public override Tensor Forward(Tensor input) => input.ResizeNearest(factor * input.Size(2), factor * input.Size(3));

    /// <inheritdoc/>
    public override string ToString() => $"Upsample({factor})";
}
