using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>
/// Spectral normalization (Miyato et al., 2018, 1802.05957): a layer whose weight, as a matrix [outputs, others], is
/// divided by its largest singular value. Each pass in training mode updates that value by one power iteration; in
/// evaluation mode nothing changes.
/// </summary>
public sealed class SpectralNorm : Network
{
    private const double Epsilon = 1e-12;

    private readonly nn.Module<Tensor, Tensor> _layer;
    private readonly Func<Tensor, Tensor, Tensor> _forward;
    private readonly Tensor _left;

    /// <summary>Wraps a fully connected layer and owns it.</summary>
    public SpectralNorm(Linear layer, Generator random)
        : this(layer, layer.weight!, (input, weight) => nn.functional.linear(input, weight, layer.bias), random) { }

    /// <summary>Wraps a convolution and owns it.</summary>
    public SpectralNorm(Conv2d layer, Generator random)
        : this(layer, layer.weight, (input, weight) => Convolve(layer, input, weight), random) { }

    private SpectralNorm(
        nn.Module<Tensor, Tensor> layer,
        Tensor weight,
        Func<Tensor, Tensor, Tensor> forward,
        Generator random
    )
    {
        _layer = Child("layer", layer);
        _forward = forward;
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        _left = Buffer("left", Unit(random.Normal(weight.size(0))));
    }

    private Tensor Weight => _layer is Linear linear ? linear.weight! : ((Conv2d)_layer).weight;

    /// <summary>Maps inputs of the wrapped layer to its outputs.</summary>
    public override Tensor forward(Tensor input)
    {
        Tensor weight = Weight;
        Tensor matrix = weight.reshape(weight.size(0), -1);
        var (left, right) = SingularVectors(matrix.detach());
        Tensor largest = left.dot(matrix.mv(right));
        return _forward(input, weight / largest);
    }

    /// <inheritdoc/>
    public override string ToString() => $"SpectralNorm({LayerText.Of(_layer)})";

    private static Tensor Convolve(Conv2d layer, Tensor input, Tensor weight) =>
        nn.functional.conv2d(input, weight, layer.bias, layer.stride, layer.padding);

    private (Tensor Left, Tensor Right) SingularVectors(Tensor matrix)
    {
        using var frozen = no_grad();
        Tensor right = Unit(matrix.transpose(0, 1).mv(_left));
        if (training)
            _left.copy_(Unit(matrix.mv(right)));

        // Copy: the next pass changes the vector while autograd still needs this one.
        return (_left.clone(), right);
    }

    private static Tensor Unit(Tensor vector) => vector / (linalg.vector_norm(vector, 2, [0]) + Epsilon);
}
