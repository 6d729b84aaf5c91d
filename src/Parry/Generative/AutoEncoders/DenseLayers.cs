using System.Globalization;
using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>Linear layers with LeakyReLU between them, and none after the last.</summary>
internal sealed class DenseLayers : Network
{
    private const double Slope = 0.1;

    private readonly Linear[] _layers;

    /// <summary>Creates the layers with PyTorch's default weights.</summary>
    /// <param name="sizes">The sizes of the input, of each hidden layer and of the output.</param>
    /// <param name="random">Draws the initial weights.</param>
    public DenseLayers(IReadOnlyList<int> sizes, Generator random) =>
        _layers = [
            .. Enumerable
                .Range(0, sizes.Count - 1)
                .Select(i =>
                    Child(i.ToString(CultureInfo.InvariantCulture), Layer.Linear(sizes[i], sizes[i + 1], random))
                ),
        ];

    /// <summary>The number of parameters for these sizes.</summary>
    public static long ParametersOf(IReadOnlyList<int> sizes) =>
        Enumerable.Range(0, sizes.Count - 1).Sum(i => checked((sizes[i] + 1L) * sizes[i + 1]));

    /// <summary>[N, first size] to [N, last size].</summary>
    public override Tensor forward(Tensor input)
    {
        Tensor output = _layers[0].forward(input);
        foreach (Linear layer in _layers.Skip(1))
            output = layer.forward(nn.functional.leaky_relu(output, Slope));
        return output;
    }
}
