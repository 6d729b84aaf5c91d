namespace Parry.Torch.Nn;

/// <summary>Joins all dimensions after the first.</summary>
public sealed class Flatten : Module
{
    /// <summary>[N, …] to [N, product of the others].</summary>
    public override Tensor Forward(Tensor input) => input.Flatten();

    /// <inheritdoc/>
    public override string ToString() => "Flatten";
}
