using Parry.Models.Architectures.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// A chain of layers, written like the tables of the papers, that knows its shapes and its number of parameters before
/// a weight is allocated, so that a weight file can be checked first. Layers are named by their kind and a number:
/// conv1, conv2, fc1. Batch normalization keeps 0.8 of its running statistics at every step, as in Keras-GAN.
/// </summary>
public sealed class LayerPlan
{
    private const double BatchNormShare = 0.2;
    private const double BatchNormEpsilon = 1e-5;
    private const double Slope = 0.2;

    private readonly List<(string Name, Func<Generator, nn.Module<Tensor, Tensor>> Make)> _layers = [];
    private readonly Dictionary<string, int> _numbers = [];
    private readonly bool _classifies;
    private readonly DropoutReading _reading;
    private readonly ImageShape _input;
    private int _channels;
    private int _height = 1;
    private int _width = 1;
    private bool _isMaps;

    private LayerPlan(int length) => _channels = length;

    private LayerPlan(ImageShape shape, bool classifies, DropoutReading reading)
    {
        (_input, _classifies, _reading, _isMaps) = (shape, classifies, reading, true);
        (_channels, _height, _width) = (shape.Channels, shape.Height, shape.Width);
    }

    /// <summary>The number of trainable parameters.</summary>
    public long Trainable { get; private set; }

    /// <summary>The number of trainable parameters and running statistics.</summary>
    public long Total { get; private set; }

    private long Features => (long)_channels * _height * _width;

    /// <summary>Begins with vectors [N, length].</summary>
    public static LayerPlan Vectors(int length) => new(length);

    /// <summary>Begins with images [N, C, H, W]. Initial weights are Glorot's, biases 0.</summary>
    public static LayerPlan Images(ImageShape shape) => new(shape, classifies: false, DropoutReading.Drop);

    /// <summary>
    /// Begins with the images of a classifier. Initial weights are CleverHans's: unit norm, biases 0. Maps have the
    /// faster memory layout.
    /// </summary>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="reading">How dropout numbers are read.</param>
    public static LayerPlan Classifier(ImageShape shape, DropoutReading reading) =>
        new(shape, classifies: true, reading);

    /// <summary>Adds a fully connected layer; maps are flattened.</summary>
    /// <param name="outputs">The number of outputs.</param>
    /// <param name="spectral">Whether its weight is spectrally normalized.</param>
    public LayerPlan Linear(int outputs, bool spectral = false)
    {
        long inputs = Features;
        if (_isMaps)
            _layers.Add(("flatten", _ => Layer.Flatten()));
        Count(checked(inputs * outputs) + outputs, spectral ? outputs : 0);
        (_channels, _height, _width, _isMaps) = (outputs, 1, 1, false);
        return Add(
            "fc",
            random =>
            {
                var layer = Layer.Linear(inputs, outputs, random);
                Start(layer.weight, layer.bias!, random);
                return spectral ? new SpectralNorm(layer, random) : layer;
            }
        );
    }

    /// <summary>Adds a fully connected layer and a ReLU.</summary>
    public LayerPlan Hidden(int outputs) => Linear(outputs).Add("relu-fc", _ => nn.ReLU());

    /// <summary>Reshapes vectors to maps.</summary>
    public LayerPlan Reshape(int channels, int height, int width)
    {
        (_channels, _height, _width, _isMaps) = (channels, height, width, true);
        return Add("reshape", _ => Layer.Reshape(channels, height, width));
    }

    /// <summary>
    /// Adds a convolution, padded like TensorFlow's SAME, to ceil(size / stride) with the odd zero last, or not padded
    /// (VALID).
    /// </summary>
    /// <exception cref="UserErrorException">The kernel is larger than the maps.</exception>
    public LayerPlan Convolution(int outputs, int kernel, int stride = 1, bool same = true)
    {
        if (_classifies && !_numbers.ContainsKey("conv"))
            _layers.Add(("layout", _ => new ChannelsLast()));
        int inputs = _channels;
        int down = same ? Padding(_height, kernel, stride) : 0;
        int right = same ? Padding(_width, kernel, stride) : 0;
        bool even = down == right && down % 2 == 0;
        if (!even)
            Add("pad", _ => new ZeroPad(down / 2, (down + 1) / 2, right / 2, (right + 1) / 2));
        Count(checked((long)inputs * outputs * kernel * kernel) + outputs, 0);
        _channels = outputs;
        (_height, _width) = (Window(_height + down, kernel, stride), Window(_width + right, kernel, stride));
        return Add(
            "conv",
            random =>
            {
                var layer = Layer.Conv2d(inputs, outputs, kernel, random, stride, even ? down / 2 : 0);
                Start(layer.weight, layer.bias!, random);
                return _classifies && inputs == 1 ? new GrayConvolution(layer) : layer;
            }
        );
    }

    /// <summary>Takes the largest value of each 2x2 window.</summary>
    public LayerPlan MaxPool()
    {
        (_height, _width) = (Window(_height, 2, 2), Window(_width, 2, 2));
        return Add("pool", _ => Layer.MaxPool2d(2));
    }

    /// <summary>
    /// Adds a spectrally normalized 5x5 convolution with stride 2 and the initial weights of the WGAN-GP code.
    /// </summary>
    public LayerPlan SpectralConvolution(int outputs)
    {
        int inputs = _channels;
        Count(checked(25L * inputs * outputs) + outputs, outputs);
        (_channels, _height, _width) = (outputs, (_height + 1) / 2, (_width + 1) / 2);
        return Add(
            "conv",
            random =>
            {
                var layer = Layer.Conv2d(inputs, outputs, 5, random, 2, 2);
                Init.TflibUniform(layer.weight, 2, random);
                layer.bias!.zero_();
                return new SpectralNorm(layer, random);
            }
        );
    }

    /// <summary>
    /// Adds a transposed convolution with stride 2 to maps of this shape, with the initial weights of the WGAN-GP code.
    /// </summary>
    public LayerPlan TransposedConvolution(ImageShape to, int kernel = 5)
    {
        int inputs = _channels;
        int over = ((_height - 1) * 2) + kernel - to.Height;
        int padding = (over + 1) / 2;
        int extra = (2 * padding) - over;
        Count(checked((long)inputs * to.Channels * kernel * kernel) + to.Channels, 0);
        (_channels, _height, _width) = (to.Channels, to.Height, to.Width);
        return Add(
            "deconv",
            random =>
            {
                var layer = Layer.ConvTranspose2d(inputs, to.Channels, kernel, random, 2, padding, extra);
                Init.TflibUniform(layer.weight, 2, random);
                layer.bias!.zero_();
                return layer;
            }
        );
    }

    /// <summary>Pads an odd height with a row of zeros below and an odd width with a column at the right.</summary>
    public LayerPlan PadToEven()
    {
        int down = _height % 2;
        int right = _width % 2;
        if (down + right == 0)
            return this;
        (_height, _width) = (_height + down, _width + right);
        return Add("pad", _ => new ZeroPad(0, down, 0, right));
    }

    /// <summary>Doubles height and width.</summary>
    public LayerPlan Upsample()
    {
        (_height, _width) = (2 * _height, 2 * _width);
        return Add("up", _ => Layer.Upsample());
    }

    /// <summary>Adds batch normalization.</summary>
    public LayerPlan BatchNorm()
    {
        int channels = _channels;
        bool vectors = !_isMaps;
        Count(2L * channels, 2L * channels);
        return Add("bn", _ => Layer.BatchNorm(channels, BatchNormShare, BatchNormEpsilon, vectors));
    }

    /// <summary>max(x, 0).</summary>
    public LayerPlan Relu() => Add("relu", _ => nn.ReLU());

    /// <summary>x, or 0.2 · x below zero.</summary>
    public LayerPlan LeakyRelu() => Add("lrelu", _ => nn.LeakyReLU(Slope));

    /// <summary>Adds dropout, with the number in the paper's table.</summary>
    /// <param name="argument">That number.</param>
    /// <param name="maps">Whether whole maps are dropped.</param>
    public LayerPlan Dropout(double argument, bool maps = false)
    {
        double drop = _reading == DropoutReading.Drop ? argument : 1 - argument;
        return Add("dropout", _ => new SeededDropout(drop, maps));
    }

    /// <summary>Ends a generator of images: hyperbolic tangent, then from [-1, 1] to [0, 1].</summary>
    public LayerPlan TanhToUnit() => Add("tanh", _ => nn.Tanh()).Add("unit", _ => new Rescale(0.5, 0.5));

    /// <summary>Rescales images from [0, 1] to [-1, 1].</summary>
    public LayerPlan FromUnit() => Add("range", _ => new Rescale(2, -1));

    /// <summary>1 / (1 + exp(-x)).</summary>
    public LayerPlan Sigmoid() => Add("sigmoid", _ => nn.Sigmoid());

    /// <summary>Makes the network with fresh weights.</summary>
    public Sequential Build(Generator random)
    {
        using var frozen = no_grad();
        return Layer.Sequential([.. _layers.Select(layer => (layer.Name, layer.Make(random)))]);
    }

    private LayerPlan Add(string kind, Func<Generator, nn.Module<Tensor, Tensor>> make)
    {
        int number = _numbers[kind] = _numbers.GetValueOrDefault(kind) + 1;
        _layers.Add(($"{kind}{number}", make));
        return this;
    }

    private void Count(long trainable, long others)
    {
        Trainable = checked(Trainable + trainable);
        Total = checked(Total + trainable + others);
    }

    private void Start(Tensor weight, Tensor bias, Generator random)
    {
        using var scope = NewDisposeScope();
        if (_classifies)
            Init.UnitNorm(weight, random);
        else
            Init.GlorotUniform(weight, random);
        bias.zero_();
    }

    private int Window(int size, int kernel, int stride) =>
        size >= kernel
            ? ((size - kernel) / stride) + 1
            : throw new UserErrorException(
                $"expected images larger than {_input} for this network: choose classifier-d or "
                    + "classifier-e, which take any size"
            );

    // The padding with which SAME makes the size ceil(size / stride).
    private static int Padding(int size, int kernel, int stride) =>
        Math.Max(0, ((((size + stride - 1) / stride) - 1) * stride) + kernel - size);
}
