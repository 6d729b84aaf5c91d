using System.Globalization;
using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Generative;

/// <summary>Linear layers with LeakyReLU between them; the last one ends in plain sums.</summary>
internal sealed class DenseLayers : Module
{
    private const double Slope = 0.1;

    private readonly Linear[] _layers;

    /// <summary>Creates the layers with PyTorch's default weights.</summary>
    /// <param name="sizes">Of the input, of each hidden layer and of the output.</param>
    /// <param name="random">Where the first weights come from.</param>
    public DenseLayers(IReadOnlyList<int> sizes, Parry.Torch.Generator random) =>
        _layers = [.. Enumerable.Range(0, sizes.Count - 1).Select(i => Child(i.ToString(CultureInfo.InvariantCulture), new Linear(sizes[i], sizes[i + 1], random)))];

    /// <summary>The number of parameters for these sizes.</summary>
    public static long ParametersOf(IReadOnlyList<int> sizes) => Enumerable.Range(0, sizes.Count - 1).Sum(i => checked((sizes[i] + 1L) * sizes[i + 1]));

    /// <summary>[N, first size] to [N, last size].</summary>
    public override Tensor Forward(Tensor input)
    {
        Tensor output = _layers[0].Forward(input);
        foreach (Linear layer in _layers.Skip(1)) output = layer.Forward(output.LeakyRelu(Slope));
        return output;
    }
}
