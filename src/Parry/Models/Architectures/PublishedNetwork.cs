using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>A network recognized in a state dictionary; nothing is allocated yet.</summary>
/// <param name="Name">Such as resnet32.</param>
/// <param name="Shape">Of the images it takes.</param>
/// <param name="Outputs">How many numbers it gives for each.</param>
/// <param name="Layers">Makes its layers, each under its name.</param>
internal sealed record PublishedNetwork(
    string Name,
    ImageShape Shape,
    int Outputs,
    Func<LayerReader, (string Name, nn.Module<Tensor, Tensor> Layer)[]> Layers
)
{
    /// <summary>What the family says of images and outputs.</summary>
    public InputContract Contract { get; init; } = new();

    /// <summary>
    /// Whether it takes images of other sizes too, as it takes means over its last map; else only <see cref="Shape"/>.
    /// </summary>
    public bool TakesOthers { get; init; } = true;

    /// <summary>What names begin with that belong to no layer that is used; null if there are none.</summary>
    public string? Ignored { get; init; }

    /// <summary>Makes the network, from images as it takes them to its outputs.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, left over or of another size; the message names
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
