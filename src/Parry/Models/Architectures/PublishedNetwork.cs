using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>A network recognized in a state dictionary, before anything is allocated.</summary>
/// <param name="Name">The name, such as resnet32.</param>
/// <param name="Shape">The shape of its images.</param>
/// <param name="Outputs">The number of outputs for each image.</param>
/// <param name="Layers">Makes its layers, by name.</param>
internal sealed record PublishedNetwork(
    string Name,
    ImageShape Shape,
    int Outputs,
    Func<ILayerSource, (string Name, nn.Module<Tensor, Tensor> Layer)[]> Layers
)
{
    /// <summary>The inputs and outputs that are usual in the family.</summary>
    public InputContract Contract { get; init; } = new();

    /// <summary>
    /// Whether it takes images of other sizes too, because it averages over its last map; otherwise only
    /// <see cref="Shape"/>.
    /// </summary>
    public bool TakesOthers { get; init; } = true;

    /// <summary>The prefix of names of unused layers; null if there are none.</summary>
    public string? Ignored { get; init; }

    /// <summary>Makes the network, which maps images as the contract prepares them to outputs.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of another size; the message names
    /// it.</exception>
    public nn.Module<Tensor, Tensor> Build(LayerReader layers)
    {
        try
        {
            var network = Layer.Sequential([("layout", new ChannelsLast()), .. Layers(layers)]);
            layers.CheckAllTaken(Ignored);
            return network;
        }
        catch
        {
            layers.Abandon();
            throw;
        }
    }
}
