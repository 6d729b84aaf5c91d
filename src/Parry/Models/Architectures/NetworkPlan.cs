using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// A chain of layers that knows its shapes and parameter count before a weight is allocated, so that a weight file's
/// claims can be checked first. Layers with weights are named conv1, conv2, …, fc1, fc2, …. Their first weights are
/// CleverHans's: unit norm, biases 0.
/// </summary>
internal sealed class NetworkPlan
{
    private readonly ImageShape _input;
    private readonly DropoutReading _dropout;
    private readonly List<(string Name, Func<Generator, nn.Module<Tensor, Tensor>> Make)> _layers = [];
    private int _channels;
    private int _height;
    private int _width;
    private int _convolutions;
    private int _linears;

    public NetworkPlan(ImageShape input, DropoutReading dropout)
    {
        _input = input;
        _dropout = dropout;
        (_channels, _height, _width) = (input.Channels, input.Height, input.Width);
    }

    /// <summary>The number of parameters that <see cref="Build"/> will make.</summary>
    public long Parameters { get; private set; }

    private long Features => (long)_channels * _height * _width;

    /// <summary>
    /// A convolution and a ReLU. Padded as TensorFlow's SAME, where the odd zero comes last, or not at all (VALID).
    /// </summary>
    public NetworkPlan Convolution(int outputs, int kernel, int stride = 1, bool same = false)
    {
        if (_convolutions++ == 0)
            Add("layout", _ => new ChannelsLast());
        int inputs = _channels;
        int down = same ? Padding(_height, kernel, stride) : 0;
        int right = same ? Padding(_width, kernel, stride) : 0;
        bool even = down == right && down % 2 == 0;
        if (!even)
            Add($"pad{_convolutions}", _ => new ZeroPad(down / 2, (down + 1) / 2, right / 2, (right + 1) / 2));
        Add(
            $"conv{_convolutions}",
            random =>
            {
                var layer = Layer.Conv2d(inputs, outputs, kernel, random, stride, even ? down / 2 : 0);
                Start(layer, layer.weight, layer.bias!, random);
                return inputs == 1 ? new GrayConvolution(layer) : layer;
            }
        );
        Add($"relu{_convolutions}", _ => nn.ReLU());
        Parameters += ((long)inputs * kernel * kernel * outputs) + outputs;
        _channels = outputs;
        (_height, _width) = (Window(_height + down, kernel, stride), Window(_width + right, kernel, stride));
        return this;
    }

    /// <summary>The largest value of each 2x2 window.</summary>
    public NetworkPlan MaxPool()
    {
        Add($"pool{_convolutions}", _ => Layer.MaxPool2d(2));
        (_height, _width) = (Window(_height, 2, 2), Window(_width, 2, 2));
        return this;
    }

    /// <summary>Dropout, with the number as the paper's table prints it.</summary>
    public NetworkPlan Dropout(double argument)
    {
        double drop = _dropout == DropoutReading.Drop ? argument : 1 - argument;
        return Add($"dropout{_layers.Count}", _ => new SeededDropout(drop));
    }

    /// <summary>A linear layer and a ReLU.</summary>
    public NetworkPlan Hidden(int outputs) => Linear(outputs).Add($"relu-fc{_linears}", _ => nn.ReLU());

    /// <summary>The linear layer that ends in logits.</summary>
    public NetworkPlan Logits(int classes) => Linear(classes);

    /// <summary>Makes the network with fresh weights.</summary>
    public nn.Module<Tensor, Tensor> Build(Generator random) =>
        Layer.Sequential([.. _layers.Select(layer => (layer.Name, layer.Make(random)))]);

    private NetworkPlan Linear(int outputs)
    {
        if (_linears++ == 0)
            Add("flatten", _ => Layer.Flatten());
        long inputs = Features;
        Add(
            $"fc{_linears}",
            random =>
            {
                var layer = Layer.Linear(inputs, outputs, random);
                return Start(layer, layer.weight, layer.bias!, random);
            }
        );
        Parameters = checked(Parameters + (inputs * outputs) + outputs);
        (_channels, _height, _width) = (outputs, 1, 1);
        return this;
    }

    private NetworkPlan Add(string name, Func<Generator, nn.Module<Tensor, Tensor>> make)
    {
        _layers.Add((name, make));
        return this;
    }

    private static nn.Module<Tensor, Tensor> Start(
        nn.Module<Tensor, Tensor> layer,
        Tensor weight,
        Tensor bias,
        Generator random
    )
    {
        Init.UnitNorm(weight, random);
        bias.mul_(0.0);
        return layer;
    }

    // What SAME adds to a side so that its size is ceil(size / stride).
    private static int Padding(int size, int kernel, int stride) =>
        Math.Max(0, ((((size + stride - 1) / stride) - 1) * stride) + kernel - size);

    private int Window(int size, int kernel, int stride) =>
        size >= kernel
            ? ((size - kernel) / stride) + 1
            : throw new UserErrorException(
                $"this network takes larger images than {_input}: choose classifier-d or classifier-e, which take "
                    + $"any size"
            );
}
