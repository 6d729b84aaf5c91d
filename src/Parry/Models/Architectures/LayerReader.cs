using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// Makes the layers of a network from a state dictionary. Each layer names its tensors; a missing one or one of another
/// size is refused before memory is allocated. A batch norm after a convolution becomes part of it (Jacob et al., 2017,
/// 1712.05877, section 3.2): in evaluation mode both are one affine map. Weights of other floating-point types become
/// float32.
/// </summary>
/// <param name="state">The state dictionary with the weights.</param>
/// <param name="fold">Whether batch norms are folded.</param>
internal sealed class LayerReader(StateDictionary state, bool fold = true) : ILayerSource, IDisposable
{
    private const double Epsilon = 1e-5;

    private readonly Generator _random = Devices.Generator(0);
    private readonly HashSet<string> _taken = [];
    private readonly List<nn.Module<Tensor, Tensor>> _made = [];

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Convolution(
        string name,
        string? norm,
        int inputs,
        int outputs,
        int kernel,
        int stride = 1,
        int padding = 0,
        int groups = 1,
        bool? bias = null
    )
    {
        bool biased = bias ?? (norm is null || state.Has(name + ".bias"));
        Check(name + ".weight", outputs, inputs / groups, kernel, kernel);
        if (biased)
            Check(name + ".bias", outputs);
        if (norm is not null)
            CheckNorm(norm, outputs);
        bool folded = norm is not null && fold;
        Conv2d layer = Made(
            Layer.Conv2d(inputs, outputs, kernel, _random, stride, padding, bias: biased || folded, groups: groups)
        );
        if (norm is null || !folded)
        {
            Fill(name, layer);
            return norm is null ? Fast(layer) : Layer.Sequential(("conv", layer), ("norm", Norm(norm, outputs)));
        }

        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor scale = Take(norm, "weight") * (Take(norm, "running_var") + Epsilon).pow(-0.5);
        Tensor offset = biased ? Take(name, "bias") - Take(norm, "running_mean") : -Take(norm, "running_mean");
        layer.weight.copy_(Take(name, "weight") * scale.reshape(-1, 1, 1, 1));
        layer.bias!.copy_((offset * scale) + Take(norm, "bias"));
        return Fast(layer);
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Norm(string name, int features)
    {
        CheckNorm(name, features);
        return Fill(name, Made(Layer.BatchNorm(features, epsilon: Epsilon)));
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Linear(string name, int inputs, int outputs)
    {
        Check(name + ".weight", outputs, inputs);
        Check(name + ".bias", outputs);
        return Fill(name, Made(Layer.Linear(inputs, outputs, _random)));
    }

    /// <summary>Refuses weights that no layer uses.</summary>
    /// <exception cref="InvalidDataException">A weight is left over; the message names the first.</exception>
    public void CheckAllTaken(string? ignored)
    {
        if (
            state.Names.FirstOrDefault(name =>
                !_taken.Contains(name) && (ignored is null || !name.StartsWith(ignored, StringComparison.Ordinal))
            ) is
            { } left
        )
            throw new InvalidDataException(
                $"The weights hold '{left}' {state.Find(left)!.Describe()}, which this architecture does not have."
            );
    }

    /// <summary>Frees the layers made so far if the network cannot be finished.</summary>
    public void Abandon()
    {
        foreach (nn.Module<Tensor, Tensor> layer in _made)
            layer.Dispose();
    }

    /// <summary>Frees the generator of fresh weights, not the layers.</summary>
    public void Dispose() => _random.Dispose();

    private static nn.Module<Tensor, Tensor> Fast(Conv2d layer) =>
        layer.in_channels == 1 && layer.dilation![0] == 1 ? new GrayConvolution(layer) : layer;

    private T Made<T>(T layer)
        where T : nn.Module<Tensor, Tensor>
    {
        _made.Add(layer);
        return layer;
    }

    private void CheckNorm(string name, int features)
    {
        foreach (string part in (string[])["weight", "bias", "running_mean", "running_var"])
            Check($"{name}.{part}", features);
    }

    private void Check(string name, params long[] shape)
    {
        Tensor tensor =
            state.Find(name)
            ?? throw new InvalidDataException($"The weights have no '{name}' [{string.Join(", ", shape)}].");
        if (!tensor.shape.AsSpan().SequenceEqual(shape))
            throw new InvalidDataException(
                $"The weight '{name}' is {tensor.Describe()}; expected [{string.Join(", ", shape)}]."
            );
        if (tensor.dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.Float16 or ScalarType.BFloat16))
            throw new InvalidDataException(
                $"The weight '{name}' is {tensor.Describe()}; expected floating-point numbers."
            );
        _taken.Add(name);
    }

    private nn.Module<Tensor, Tensor> Fill(string name, nn.Module<Tensor, Tensor> layer)
    {
        using var frozen = no_grad();
        foreach (var (part, tensor) in layer.State())
            tensor.copy_(state.Find($"{name}.{part}")!);
        return layer;
    }

    private Tensor Take(string name, string part) => state.Find($"{name}.{part}")!.to(ScalarType.Float64);
}
