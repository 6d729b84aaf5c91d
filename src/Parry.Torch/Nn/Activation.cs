using System.Globalization;

namespace Parry.Torch.Nn;

/// <summary>An activation function as a layer.</summary>
public sealed class Activation : Module
{
    private readonly string _text;
    private readonly Func<Tensor, Tensor> _function;

    private Activation(string text, Func<Tensor, Tensor> function)
    {
        _text = text;
        _function = function;
    }

    /// <summary>max(x, 0).</summary>
    public static Activation Relu() => new("Relu", x => x.Relu());

    /// <summary>max(x, 0), but at most 6.</summary>
    public static Activation Relu6() => new("Relu6", x => x.Clamp(0, 6));

    /// <summary>x, or slope · x below zero.</summary>
    public static Activation LeakyRelu(double slope) =>
        new(string.Create(CultureInfo.InvariantCulture, $"LeakyRelu({slope})"), x => x.LeakyRelu(slope));

    /// <summary>1 / (1 + exp(-x)).</summary>
    public static Activation Sigmoid() => new("Sigmoid", x => x.Sigmoid());

    /// <summary>Hyperbolic tangent.</summary>
    public static Activation Tanh() => new("Tanh", x => x.Tanh());

    /// <summary>Probabilities along the last dimension.</summary>
    public static Activation Softmax() => new("Softmax", x => x.Softmax());

    /// <summary>Any shape to the same shape.</summary>
    public override Tensor Forward(Tensor input) => _function(input);

    /// <inheritdoc/>
    public override string ToString() => _text;
}
