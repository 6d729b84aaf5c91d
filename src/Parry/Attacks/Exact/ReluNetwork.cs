using Parry.Models.Architectures;
using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Attacks.Exact;

/// <summary>A network as affine maps with ReLUs between them: z = W·a + b, then a = max(z, 0), and logits at the end.</summary>
internal sealed class ReluNetwork
{
    private const int MostUnits = 4096;

    private ReluNetwork(IReadOnlyList<Affine> layers) => Layers = layers;

    /// <summary>The affine maps; a ReLU stands behind each but the last.</summary>
    public IReadOnlyList<Affine> Layers { get; }

    /// <summary>Reads the weights of a network.</summary>
    /// <exception cref="UserErrorException">It has layers that are neither affine nor ReLU, or is too large.</exception>
    public static ReluNetwork Read(Module network, ImageShape shape)
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        var layers = new List<Affine>();
        var segment = new List<Module>();
        Tensor zero = Tensor.Zeros([1, shape.Channels, shape.Height, shape.Width]);
        foreach (Module layer in Flat(network))
        {
            if (layer is Activation && layer.ToString() == "Relu") zero = Close();
            else if (layer is Linear or Conv2d or AvgPool2d or BatchNorm or Flatten or Dropout or ChannelsLast or ZeroPad) segment.Add(layer);
            else throw new UserErrorException($"the attack ground-truth needs a network of linear layers, convolutions and ReLUs; this one has {layer}");
        }

        Close();
        return new ReluNetwork(layers);

        // A map is known by what it does to zero and to each unit vector.
        Tensor Close()
        {
            long inputs = zero.Elements;
            Tensor origin = Through(zero);
            if (inputs > MostUnits || origin.Elements > MostUnits)
                throw new UserErrorException($"the attack ground-truth takes networks with up to {MostUnits} values and units in a layer; this one has {Math.Max(inputs, origin.Elements)}");
            Tensor units = Tensor.Range(inputs).OneHot(inputs).To(DType.Float32).Reshape([inputs, .. zero.Shape[1..]]);
            Tensor columns = Through(units).Sub(origin).Flatten().Transpose(0, 1).To(DType.Float64).Contiguous();
            layers.Add(new Affine([.. columns.ToArray<double>().Chunk((int)inputs)], origin.To(DType.Float64).ToArray<double>()));
            segment.Clear();
            return origin.ZerosLike();
        }

        Tensor Through(Tensor input) => segment.Aggregate(input, (value, layer) => layer.Forward(value));
    }

    private static IEnumerable<Module> Flat(Module module) => module is Sequential ? module.Children.SelectMany(child => Flat(child.Value)) : [module];

    /// <summary>z = W·a + b, with a row of weights for each unit.</summary>
    internal sealed record Affine(double[][] Weights, double[] Biases);
}
