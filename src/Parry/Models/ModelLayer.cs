using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>One layer of a model, as far as its file describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it computes; null if only its weights are known.</param>
/// <param name="Weights">The shapes of its weights, by name.</param>
/// <param name="Output">The shape of its output for a batch of one; null if unknown.</param>
/// <param name="Parameters">The number of its parameters.</param>
public sealed record ModelLayer(
    string Name,
    string? Kind,
    IReadOnlyDictionary<string, long[]> Weights,
    long[]? Output,
    long Parameters
)
{
    /// <summary>Lists the layers of a chain of modules by running it on an input.</summary>
    public static IReadOnlyList<ModelLayer> Of(nn.Module<Tensor, Tensor> network, Tensor input)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var layers = new List<ModelLayer>();
        foreach (var (name, child) in network.named_children())
        {
            var module = (nn.Module<Tensor, Tensor>)child;
            input = module.forward(input);
            layers.Add(
                new ModelLayer(
                    name,
                    LayerText.Of(module),
                    module.State().ToDictionary(entry => entry.Key, entry => entry.Value.shape),
                    input.shape,
                    module.State().Sum(entry => entry.Value.numel())
                )
            );
        }

        return layers;
    }

    /// <summary>
    /// Layers of which only the names and shapes of the weights are known: the part of a name before the last dot names
    /// the layer.
    /// </summary>
    public static IReadOnlyList<ModelLayer> Of(IEnumerable<(string Name, long[] Shape)> weights) =>
        [
            .. weights
                .GroupBy(weight => weight.Name.LastIndexOf('.') is > 0 and int dot ? weight.Name[..dot] : weight.Name)
                .Select(layer => new ModelLayer(
                    layer.Key,
                    null,
                    layer.ToDictionary(
                        weight =>
                            weight.Name.Length > layer.Key.Length ? weight.Name[(layer.Key.Length + 1)..] : weight.Name,
                        weight => weight.Shape
                    ),
                    null,
                    layer.Sum(weight => weight.Shape.Aggregate(1L, (product, size) => product * size))
                )),
        ];
}
