namespace Parry.Torch.Nn;

/// <summary>
/// Spectral normalization (Miyato et al., 2018, 1802.05957): a layer whose weight, as a matrix [outputs, others], is divided by its largest singular
/// value. One power iteration in every pass of training mode follows that value; in evaluation mode nothing changes.
/// </summary>
public sealed class SpectralNorm : Module
{
    private const double Epsilon = 1e-12;

    private readonly Module _layer;
    private readonly Tensor _weight;
    private readonly Tensor _left;
    private readonly Func<Tensor, Tensor, Tensor> _forward;

    /// <summary>Wraps a fully connected layer, which it owns from now on.</summary>
    public SpectralNorm(Linear layer, Generator random) : this(layer, layer.Weight, layer.Forward, random)
    {
    }

    /// <summary>Wraps a convolution, which it owns from now on.</summary>
    public SpectralNorm(Conv2d layer, Generator random) : this(layer, layer.Weight, layer.Forward, random)
    {
    }

    private SpectralNorm(Module layer, Tensor weight, Func<Tensor, Tensor, Tensor> forward, Generator random)
    {
        _layer = Child("layer", layer);
        _weight = weight;
        _forward = forward;
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        _left = Buffer("left", Unit(Tensor.Normal([weight.Size(0)], random)));
    }

    /// <summary>What the wrapped layer takes to what it gives.</summary>
    public override Tensor Forward(Tensor input)
    {
        Tensor matrix = _weight.Reshape(_weight.Size(0), -1);
        var (left, right) = SingularVectors(matrix.Detach());
        return _forward(input, _weight.Div(left.MatMul(matrix.MatMul(right))));
    }

    /// <inheritdoc/>
    public override string ToString() => $"SpectralNorm({_layer})";

    private (Tensor Left, Tensor Right) SingularVectors(Tensor matrix)
    {
        using var frozen = Autograd.NoGrad();
        Tensor right = Unit(matrix.Transpose(0, 1).MatMul(_left));
        if (Training) _left.CopyInPlace(Unit(matrix.MatMul(right)));

        // A copy, for the next pass changes the vector while autograd still needs this one.
        return (_left.Clone(), right);
    }

    private static Tensor Unit(Tensor vector) => vector.Div(vector.Norm(2, [0]).Add(Epsilon));
}
