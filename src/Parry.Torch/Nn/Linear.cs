namespace Parry.Torch.Nn;

/// <summary>A fully connected layer: x · weightᵀ + bias.</summary>
public sealed class Linear : Module
{
    /// <summary>Creates the layer with PyTorch's default weights.</summary>
    public Linear(long inputs, long outputs, Generator random, bool bias = true)
    {
        Weight = Parameter("weight", Tensor.Empty([outputs, inputs]));
        if (bias) Bias = Parameter("bias", Tensor.Empty([outputs]));
        Init.Default(Weight, Bias, random);
    }

    /// <summary>[outputs, inputs].</summary>
    public Tensor Weight { get; }

    /// <summary>[outputs], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>[…, inputs] to […, outputs].</summary>
    public override Tensor Forward(Tensor input) => Forward(input, Weight);

    /// <summary>The same with another weight in place of its own, which a wrapper made of it.</summary>
    public Tensor Forward(Tensor input, Tensor weight) => input.Linear(weight, Bias);

    /// <inheritdoc/>
    public override string ToString() => $"Linear({Weight.Size(1)}, {Weight.Size(0)})";
}
