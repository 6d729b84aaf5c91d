namespace Parry.Torch.Nn;

/// <summary>Gives every sample another shape with as many elements.</summary>
/// <param name="shape">Of one sample.</param>
public sealed class Reshape(params long[] shape) : Module
{
    /// <summary>[N, …] to [N, shape].</summary>
    public override Tensor Forward(Tensor input) => input.Reshape([input.Size(0), .. shape]);

    /// <inheritdoc/>
    public override string ToString() => $"Reshape({string.Join('x', shape)})";
}
