using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>Counts the parameters of layers instead of making them.</summary>
internal sealed class CountedLayers : ILayerSource
{
    /// <summary>The number of trainable parameters.</summary>
    public long Trainable { get; private set; }

    /// <summary>The number of running statistics.</summary>
    public long Statistics { get; private set; }

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
        Trainable += (long)outputs * inputs / groups * kernel * kernel;
        if (bias ?? norm is null)
            Trainable += outputs;
        return norm is null ? nn.Identity() : Norm(norm, outputs);
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Norm(string name, int features)
    {
        Trainable += 2L * features;
        Statistics += 2L * features;
        return nn.Identity();
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Linear(string name, int inputs, int outputs)
    {
        Trainable += (inputs + 1L) * outputs;
        return nn.Identity();
    }
}
