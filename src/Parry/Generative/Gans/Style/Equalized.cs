using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Generative.Gans.Style;

/// <summary>
/// A fully connected layer or a convolution with an equalized learning rate (Karras et al., 2017, 1710.10196): weights
/// are kept standard normal and multiplied, whenever they are used, by what He's first weights would be, so that Adam's
/// steps mean the same in every layer.
/// </summary>
internal sealed class Equalized : Network
{
    private readonly Tensor _weight;
    private readonly Tensor? _bias;
    private readonly double _scale;
    private readonly double _rate;

    /// <param name="shape">[outputs, inputs], or [outputs, inputs, k, k] for a convolution that keeps height and
    /// width.</param>
    /// <param name="random">Where the first weights come from.</param>
    /// <param name="gain">The deviation of the outputs for standard normal inputs: √2 before LeakyReLU.</param>
    /// <param name="rate">How much slower or faster than the others it learns.</param>
    /// <param name="bias">Whether it has a bias, 0 at first.</param>
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
        _weight = Parameter("weight", randn(shape, generator: random).mul_(1 / rate));
        if (bias)
            _bias = Parameter("bias", zeros([shape[0]]));
    }

    public override Tensor forward(Tensor input)
    {
        Tensor weight = _weight.mul(_scale);
        Tensor? bias = _bias?.mul(_rate);
        return weight.shape.Length == 2
            ? nn.functional.linear(input, weight, bias)
            : nn.functional.conv2d(input, weight, bias, padding: [weight.size(2) / 2, weight.size(2) / 2]);
    }
}
