using Parry.Data;
using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Training;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// The small convolutional auto-encoder of AutoZOOM's authors: 16 channels, halved once (twice above 28 pixels) by
/// pooling, and back by bilinear resizing. It compresses an image into a smaller one with as many channels.
/// </summary>
internal sealed class ImageCodec : IDisposable
{
    private const string Encoder = "encoder.";
    private const string Decoder = "decoder.";
    private const int Channels = 16;
    private const int BatchSize = 32;
    private const int LargestHalvedOnce = 28;
    private const double Rate = 1e-3;

    private readonly ImageShape _shape;
    private readonly List<(long Height, long Width)> _sizes;
    private readonly Sequential _encoder;
    private readonly Sequential _decoder;

    private ImageCodec(ImageShape shape, Generator random)
    {
        _shape = shape;
        _sizes = [(shape.Height, shape.Width)];
        int halvings = Math.Max(shape.Height, shape.Width) > LargestHalvedOnce ? 2 : 1;
        for (int i = 0; i < halvings; i++)
            _sizes.Add((_sizes[i].Height / 2, _sizes[i].Width / 2));
        List<nn.Module<Tensor, Tensor>> encoder = [];
        List<nn.Module<Tensor, Tensor>> decoder = [];
        for (int i = 0; i < halvings; i++)
        {
            encoder.Add(Layer.Conv2d(i == 0 ? shape.Channels : Channels, Channels, 3, random, padding: 1));
            decoder.Add(Layer.Conv2d(i == 0 ? shape.Channels : Channels, Channels, 3, random, padding: 1));
        }

        encoder.Add(Layer.Conv2d(Channels, shape.Channels, 3, random, padding: 1));
        decoder.Add(Layer.Conv2d(Channels, shape.Channels, 3, random, padding: 1));
        (_encoder, _decoder) = (Layer.Sequential([.. encoder]), Layer.Sequential([.. decoder]));
    }

    /// <summary>The height and width of what it compresses an image into.</summary>
    public (long Height, long Width) CodeSize => _sizes[^1];

    /// <summary>The mean squared error of the images of the last epoch.</summary>
    public double Error { get; private set; }

    /// <summary>An auto-encoder trained on images.</summary>
    public static ImageCodec Train(
        Tensor images,
        int epochs,
        long seed,
        IProgress<double>? progress,
        CancellationToken cancellation
    )
    {
        using var random = Devices.Generator(seed);
        var codec = new ImageCodec(
            new ImageShape((int)images.size(1), (int)images.size(2), (int)images.size(3)),
            random
        );
        Tensor[] parameters =
        [
            .. codec._encoder.Parameters().Concat(codec._decoder.Parameters()).Select(parameter => parameter.Value),
        ];
        foreach (Tensor parameter in parameters)
            parameter.requires_grad_();
        using var adam = Optimizers.Adam(parameters, Rate);
        var batches = new ShuffledBatches((int)images.size(0), BatchSize, (ulong)seed);
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            cancellation.ThrowIfCancellationRequested();
            double sum = 0;
            foreach (int[] batch in batches.Epoch(epoch))
                sum += batch.Length * codec.Learn(images.index_select(0, tensor(batch)), parameters, adam);
            codec.Error = sum / images.size(0);
            progress?.Report((epoch + 1.0) / epochs);
        }

        foreach (Tensor parameter in parameters)
            parameter.requires_grad_(false);
        return codec;
    }

    /// <summary>The weights.</summary>
    public IReadOnlyDictionary<string, Tensor> State =>
        (
            from part in new[] { (Prefix: Encoder, Network: _encoder), (Prefix: Decoder, Network: _decoder) }
            from weight in part.Network.State()
            select KeyValuePair.Create(part.Prefix + weight.Key, weight.Value)
        ).ToDictionary();

    /// <summary>An auto-encoder with the weights of another, as <see cref="State"/> gave them.</summary>
    /// <exception cref="InvalidDataException">They are weights of something else.</exception>
    public static ImageCodec Of(IReadOnlyDictionary<string, Tensor> state, ImageShape shape)
    {
        using var random = Devices.Generator(0);
        var codec = new ImageCodec(shape, random);
        codec._encoder.LoadState(state.Under(Encoder));
        codec._decoder.LoadState(state.Under(Decoder));
        return codec;
    }

    /// <summary>The images of codes [N, C, h, w].</summary>
    public Tensor Decode(Tensor codes)
    {
        using var scope = NewDisposeScope();
        Tensor planes = codes;
        for (int i = 0; i < _decoder.Count; i++)
        {
            planes = _decoder[i].call(planes);
            if (i < _decoder.Count - 1)
                planes = nn.functional.interpolate(
                    planes.relu(),
                    [_sizes[^(i + 2)].Height, _sizes[^(i + 2)].Width],
                    mode: InterpolationMode.Bilinear,
                    align_corners: false
                );
        }

        return scope.MoveToOuter(planes);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
    }

    private double Learn(Tensor images, Tensor[] parameters, optim.Optimizer adam)
    {
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        Tensor loss = (Decode(Encode(images)) - images).pow(2).mean();
        adam.Step(Autograd.Grad([loss], parameters));
        return loss.Item();
    }

    private Tensor Encode(Tensor images)
    {
        Tensor planes = images;
        for (int i = 0; i < _encoder.Count; i++)
        {
            planes = _encoder[i].call(planes);
            if (i < _encoder.Count - 1)
                planes = nn.functional.max_pool2d(planes.relu(), [2, 2], [2, 2]);
        }

        return planes;
    }
}
