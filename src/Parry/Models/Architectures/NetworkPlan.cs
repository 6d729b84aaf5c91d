using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>A network that is not made yet, with the size of its weights.</summary>
/// <param name="Trainable">The number of trainable parameters.</param>
/// <param name="Total">The number of trainable parameters and running statistics.</param>
/// <param name="Build">Makes the network with fresh weights.</param>
internal sealed record NetworkPlan(long Trainable, long Total, Func<Generator, nn.Module<Tensor, Tensor>> Build)
{
    /// <summary>Plans a network of a published family.</summary>
    /// <param name="layers">Makes its layers, by name.</param>
    public static NetworkPlan Of(Func<ILayerSource, (string Name, nn.Module<Tensor, Tensor> Layer)[]> layers)
    {
        var count = new CountedLayers();
        foreach (var (_, layer) in layers(count))
            layer.Dispose();
        return new NetworkPlan(
            count.Trainable,
            count.Trainable + count.Statistics,
            random => Layer.Sequential([("layout", new ChannelsLast()), .. layers(new FreshLayers(random))])
        );
    }
}
