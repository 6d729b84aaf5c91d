using Parry.Models.Architectures.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// Makes layers with fresh weights: He's normal ones, biases 0. Batch norms stay layers of their own and keep 0.9 of
/// their running statistics at every step, as in PyTorch.
/// </summary>
/// <param name="random">The generator of the weights.</param>
internal sealed class FreshLayers(Generator random) : ILayerSource
{
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
        Conv2d layer = Layer.Conv2d(
            inputs,
            outputs,
            kernel,
            random,
            stride,
            padding,
            bias: bias ?? norm is null,
            groups: groups
        );
        Start(layer.weight, layer.bias);
        return norm is null ? layer : Layer.Sequential(("conv", layer), ("norm", Norm(norm, outputs)));
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Norm(string name, int features) => Layer.BatchNorm(features);

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Linear(string name, int inputs, int outputs)
    {
        Linear layer = Layer.Linear(inputs, outputs, random);
        Start(layer.weight, layer.bias);
        return layer;
    }

    private void Start(Tensor weight, Tensor? bias)
    {
        using var frozen = no_grad();
        Init.HeNormal(weight, random);
        bias?.zero_();
    }
}
