using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// An auto-encoder of MagNet (Meng and Chen, 2017, 1705.09064): 3x3 convolutions to three maps that keep the image's
/// size, with a sigmoid after each. The pooled one (the paper's I) has five, with 2x2 average pooling after the first
/// and upsampling before the fourth; the plain one (II) has three.
/// </summary>
public sealed class MagNetAutoEncoder : Network
{
    private const int Maps = 3;

    private readonly bool _pooled;
    private readonly Conv2d[] _layers;

    /// <summary>Creates it with Glorot's uniform weights and biases of 0, as Keras does.</summary>
    /// <param name="channels">The channels of the images.</param>
    /// <param name="pooled">Whether it is the pooled one, which needs even height and width.</param>
    /// <param name="random">Draws the initial weights.</param>
    public MagNetAutoEncoder(int channels, bool pooled, Generator random)
    {
        _pooled = pooled;
        int layers = pooled ? 5 : 3;
        _layers =
        [
            .. Enumerable
                .Range(1, layers)
                .Select(i =>
                    Child(
                        $"conv{i}",
                        Layer.Conv2d(i == 1 ? channels : Maps, i == layers ? channels : Maps, 3, random, padding: 1)
                    )
                ),
        ];
        foreach (Conv2d layer in _layers)
        {
            Init.GlorotUniform(layer.weight, random);
            layer.bias!.zero_();
        }
    }

    /// <summary>Images [N, C, H, W] to images of the same shape, in [0, 1].</summary>
    public override Tensor forward(Tensor input) => Trace(input)[^1];

    /// <summary>The maps after each convolution; the last is the image.</summary>
    public IReadOnlyList<Tensor> Trace(Tensor images)
    {
        var maps = new List<Tensor>();
        Tensor map = images;
        for (int i = 0; i < _layers.Length; i++)
        {
            maps.Add(_layers[i].forward(map).sigmoid());
            map = (_pooled, i) switch
            {
                (true, 0) => nn.functional.avg_pool2d(maps[i], [2, 2], [2, 2]),
                (true, 2) => maps[i].repeat_interleave(2, 2).repeat_interleave(2, 3),
                _ => maps[i],
            };
        }

        return maps;
    }

    internal static long ParametersOf(int channels, bool pooled) =>
        (((9L * channels) + 1) * Maps)
        + ((((9L * Maps) + 1) * Maps) * (pooled ? 3 : 1))
        + (((9L * Maps) + 1) * channels);
}
