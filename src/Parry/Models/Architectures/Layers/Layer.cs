using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models.Architectures.Layers;

/// <summary>
/// Makes TorchSharp's layers: initial weights come from a given generator, parameters are frozen and the layer is in
/// evaluation mode until it is trained. In evaluation mode a network is read-only and safe to use from several threads.
/// </summary>
public static class Layer
{
    /// <summary>A convolution with a square kernel and PyTorch's default weights.</summary>
    public static Conv2d Conv2d(
        long inputs,
        long outputs,
        long kernel,
        Generator random,
        long stride = 1,
        long padding = 0,
        long dilation = 1,
        bool bias = true,
        long groups = 1
    )
    {
        using var scope = NewDisposeScope();
        Conv2d layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups: groups, bias: bias);
        Init.Default(layer.weight, layer.bias, random);
        return Frozen(layer);
    }

    /// <summary>A transposed convolution with a square kernel and PyTorch's default weights.</summary>
    public static ConvTranspose2d ConvTranspose2d(
        long inputs,
        long outputs,
        long kernel,
        Generator random,
        long stride = 1,
        long padding = 0,
        long outputPadding = 0,
        bool bias = true
    )
    {
        using var scope = NewDisposeScope();
        ConvTranspose2d layer = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, outputPadding, bias: bias);
        Init.Default(layer.weight, layer.bias, random);
        return Frozen(layer);
    }

    /// <summary>A fully connected layer with PyTorch's default weights.</summary>
    public static Linear Linear(long inputs, long outputs, Generator random, bool bias = true)
    {
        using var scope = NewDisposeScope();
        Linear layer = nn.Linear(inputs, outputs, bias);
        Init.Default(layer.weight, layer.bias, random);
        return Frozen(layer);
    }

    /// <summary>Batch normalization of maps [N, C, H, W], or of vectors [N, C].</summary>
    /// <param name="features">C.</param>
    /// <param name="momentum">The weight of a batch's statistics in the running ones.</param>
    /// <param name="epsilon">Added to variances.</param>
    /// <param name="vectors">Whether it takes vectors.</param>
    public static nn.Module<Tensor, Tensor> BatchNorm(
        long features,
        double momentum = 0.1,
        double epsilon = 1e-5,
        bool vectors = false
    )
    {
        using var scope = NewDisposeScope();
        return Frozen<nn.Module<Tensor, Tensor>>(
            vectors ? nn.BatchNorm1d(features, epsilon, momentum) : nn.BatchNorm2d(features, epsilon, momentum)
        );
    }

    /// <summary>Group normalization (Wu and He, 2018, 1803.08494), with weights 1 and biases 0.</summary>
    public static GroupNorm GroupNorm(long groups, long features)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        GroupNorm layer = nn.GroupNorm(groups, features);

        // TorchSharp 0.107 leaves both uninitialized.
        layer.weight.fill_(1);
        layer.bias!.zero_();
        return Frozen(layer);
    }

    /// <summary>Instance normalization of maps.</summary>
    public static InstanceNorm2d InstanceNorm(long features, double epsilon = 1e-5, bool affine = false)
    {
        using var scope = NewDisposeScope();
        return Frozen(nn.InstanceNorm2d(features, epsilon, affine: affine));
    }

    /// <summary>The largest element of each square window.</summary>
    public static MaxPool2d MaxPool2d(long kernel, long? stride = null) => InEvaluation(nn.MaxPool2d(kernel, stride));

    /// <summary>The mean of each square window.</summary>
    public static AvgPool2d AvgPool2d(long kernel, long? stride = null) => InEvaluation(nn.AvgPool2d(kernel, stride));

    /// <summary>Flattens all dimensions after the first.</summary>
    public static Flatten Flatten() => InEvaluation(nn.Flatten());

    /// <summary>Reshapes vectors [N, C · H · W] to maps [N, C, H, W].</summary>
    public static Unflatten Reshape(long channels, long height, long width) =>
        InEvaluation(nn.Unflatten(1, [channels, height, width]));

    /// <summary>Doubles height and width by repeating each pixel four times.</summary>
    public static Upsample Upsample() => InEvaluation(nn.Upsample(scale_factor: [2, 2]));

    /// <summary>Applies layers one after the other, each with a name.</summary>
    public static Sequential Sequential(params (string Name, nn.Module<Tensor, Tensor> Layer)[] layers) =>
        InEvaluation(nn.Sequential(layers));

    /// <summary>Applies layers one after the other, named 0, 1, …</summary>
    public static Sequential Sequential(params nn.Module<Tensor, Tensor>[] layers) =>
        InEvaluation(nn.Sequential(layers));

    private static T InEvaluation<T>(T module)
        where T : nn.Module
    {
        module.eval();
        return module;
    }

    // The module owns its parameters, so they must leave the dispose scopes of this thread.
    private static T Frozen<T>(T module)
        where T : nn.Module
    {
        module.eval();
        Parameter[] parameters = [.. module.parameters()];
        foreach (Parameter parameter in parameters)
        {
            parameter.requires_grad = false;
            parameter.DetachFromDisposeScope();
        }

        LiveTensors.BecameParameters(parameters.Length);
        foreach (Tensor buffer in module.buffers())
            buffer.DetachFromDisposeScope();
        return module;
    }
}
