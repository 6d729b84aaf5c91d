using System.Globalization;

namespace Parry.Torch.Nn;

/// <summary>Layers one after the other.</summary>
public sealed class Sequential : Module
{
    /// <summary>Creates a chain whose layers are named 0, 1, ….</summary>
    public Sequential(params Module[] layers)
    {
        for (int i = 0; i < layers.Length; i++) Child(i.ToString(CultureInfo.InvariantCulture), layers[i]);
    }

    /// <summary>Creates a chain of named layers.</summary>
    public Sequential(params (string Name, Module Layer)[] layers)
    {
        foreach (var (name, layer) in layers) Child(name, layer);
    }

    /// <summary>What the first layer takes to what the last one gives.</summary>
    public override Tensor Forward(Tensor input)
    {
        Tensor output = input.Alias();
        foreach (var (_, layer) in Children)
        {
            // Freed at once: autograd holds what it needs, and without it a long chain stays small.
            using Tensor last = output;
            output = layer.Forward(last);
        }

        return output;
    }

    /// <inheritdoc/>
    public override string ToString() => $"Sequential({Children.Count} layers)";
}
