using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Attacks.Exact;

/// <summary>
/// A network as affine maps with ReLUs between them: z = W·a + b, then a = max(z, 0), and logits at the end.
/// </summary>
internal sealed class ReluNetwork
{
    private const int MostUnits = 4096;

    private ReluNetwork(IReadOnlyList<Affine> layers) => Layers = layers;

    /// <summary>The affine maps; a ReLU stands behind each but the last.</summary>
    public IReadOnlyList<Affine> Layers { get; }

    /// <summary>Reads the weights of a network.</summary>
    /// <exception cref="UserErrorException">It has layers that are neither affine nor ReLU, or is too
    /// large.</exception>
    public static ReluNetwork Read(nn.Module<Tensor, Tensor> network, ImageShape shape)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var layers = new List<Affine>();
        var segment = new List<nn.Module<Tensor, Tensor>>();
        Tensor zero = zeros([1, shape.Channels, shape.Height, shape.Width]);
        foreach (nn.Module<Tensor, Tensor> layer in Flat(network))
        {
            if (layer is ReLU)
                zero = Close();
            else if (
                layer
                is Linear
                    or Conv2d
                    or GrayConvolution
                    or AvgPool2d
                    or BatchNorm
                    or Flatten
                    or SeededDropout
                    or ChannelsLast
                    or ZeroPad
            )
                segment.Add(layer);
            else
                throw new UserErrorException(
                    "the attack ground-truth needs a network of linear layers, convolutions and ReLUs; this one has "
                        + $"{LayerText.Of(layer)}"
                );
        }

        Close();
        return new ReluNetwork(layers);

        // A map is known by what it does to zero and to each unit vector.
        Tensor Close()
        {
            long inputs = zero.numel();
            Tensor origin = Through(zero);
            if (inputs > MostUnits || origin.numel() > MostUnits)
                throw new UserErrorException(
                    $"the attack ground-truth takes networks with up to {MostUnits} values and units in a layer; "
                        + $"this one has {Math.Max(inputs, origin.numel())}"
                );
            Tensor units = nn
                .functional.one_hot(arange(inputs, ScalarType.Int64), inputs)
                .to(ScalarType.Float32)
                .reshape([inputs, .. zero.shape[1..]]);
            Tensor columns = Through(units).sub(origin).flatten(1).transpose(0, 1).to(ScalarType.Float64).contiguous();
            layers.Add(
                new Affine(
                    [.. columns.ToArray<double>().Chunk((int)inputs)],
                    origin.to(ScalarType.Float64).ToArray<double>()
                )
            );
            segment.Clear();
            return zeros_like(origin);
        }

        Tensor Through(Tensor input) => segment.Aggregate(input, (value, layer) => layer.forward(value));
    }

    private static IEnumerable<nn.Module<Tensor, Tensor>> Flat(nn.Module<Tensor, Tensor> module) =>
        module is Sequential ? module.children().SelectMany(child => Flat((nn.Module<Tensor, Tensor>)child)) : [module];

    /// <summary>z = W·a + b, with a row of weights for each unit.</summary>
    internal sealed record Affine(double[][] Weights, double[] Biases);
}
