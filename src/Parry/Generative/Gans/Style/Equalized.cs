using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans.Style;

/// <summary>
/// A fully connected layer or a convolution with an equalized learning rate (Karras et al., 2017, 1710.10196): its
/// weights start standard normal, and every pass multiplies them by the standard deviation of He's initialization, so
/// that Adam's steps mean the same in every layer.
/// </summary>
internal sealed class Equalized : Network
{
    private readonly Tensor _weight;
    private readonly Tensor? _bias;
    private readonly double _scale;
    private readonly double _rate;

    /// <param name="shape">[outputs, inputs], or [outputs, inputs, k, k] for a convolution that keeps height and
    /// width.</param>
    /// <param name="random">Draws the initial weights.</param>
    /// <param name="gain">The standard deviation of the outputs for standard normal inputs: √2 before
    /// LeakyReLU.</param>
    /// <param name="rate">Its step size relative to other layers.</param>
    /// <param name="bias">Whether it has a bias, which starts at 0.</param>
    public Equalized(
        long[] shape,
        Generator random,
        double gain = 1.4142135623730951,
        double rate = 1,
        bool bias = true
    )
    {
        _rate = rate;
        _scale = gain * rate / Math.Sqrt(shape[1..].Aggregate(1L, (product, size) => product * size));
        using var frozen = no_grad();
        _weight = Parameter("weight", random.Normal(shape) * (1 / rate));
        if (bias)
            _bias = Parameter("bias", zeros([shape[0]]));
    }

    public override Tensor forward(Tensor input)
    {
        Tensor weight = _scale * _weight;
        Tensor? bias = _bias is null ? null : _rate * _bias;
        return weight.shape.Length == 2
            ? nn.functional.linear(input, weight, bias)
            : nn.functional.conv2d(input, weight, bias, padding: [weight.size(2) / 2, weight.size(2) / 2]);
    }
}
