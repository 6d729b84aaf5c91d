using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Models;

/// <summary>One layer of a model, as far as its file shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it does; null where only weights are known.</param>
/// <param name="Weights">The shapes of its weights, by name.</param>
/// <param name="Output">The shape of what it makes of a batch of one; null where that is not known.</param>
/// <param name="Parameters">How many numbers its weights are.</param>
public sealed record ModelLayer(string Name, string? Kind, IReadOnlyDictionary<string, long[]> Weights, long[]? Output, long Parameters)
{
    /// <summary>The layers of a chain of modules, run on an input.</summary>
    public static IReadOnlyList<ModelLayer> Of(Module network, Tensor input)
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        var layers = new List<ModelLayer>();
        foreach (var (name, module) in network.Children)
        {
            input = module.Forward(input);
            layers.Add(new ModelLayer(name, module.ToString(), module.State.ToDictionary(entry => entry.Key, entry => entry.Value.Shape), input.Shape, module.State.Sum(entry => entry.Value.Elements)));
        }

        return layers;
    }

    /// <summary>Layers of which only the weights' names and shapes are known: what stands before the last dot of a name is the layer's.</summary>
    public static IReadOnlyList<ModelLayer> Of(IEnumerable<(string Name, long[] Shape)> weights) =>
    [
        .. weights.GroupBy(weight => weight.Name.LastIndexOf('.') is > 0 and int dot ? weight.Name[..dot] : weight.Name).Select(layer => new ModelLayer(
            layer.Key,
            null,
            layer.ToDictionary(weight => weight.Name.Length > layer.Key.Length ? weight.Name[(layer.Key.Length + 1)..] : weight.Name, weight => weight.Shape),
            null,
            layer.Sum(weight => weight.Shape.Aggregate(1L, (product, size) => product * size)))),
    ];
}
