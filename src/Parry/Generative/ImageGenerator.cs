using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Generative;

/// <summary>
/// The generator of Defense-GAN (Samangouei, Kabkab, Chellappa, 2018, 1805.06605): a linear layer and three transposed
/// convolutions, 5x5 with stride 2, from a latent vector to an image in [0, 1].
/// </summary>
/// <remarks>
/// A transposed convolution is the input gradient of a convolution. <see cref="Run"/> computes it so, and its own gradients
/// by hand as plain convolutions: several times faster than the operator and than autograd through it.
/// Deviation: the released code pads as TensorFlow does (one before, two after) and crops 8x8 to 7x7; padding is symmetric here, with
/// the same shapes and parameter count.
/// </remarks>
public sealed class ImageGenerator : Module, ISpanner
{
    private const int Stride = 2;
    private const int Padding = 2;

    private readonly ImageShape[] _maps;
    private readonly Tensor[] _weights;
    private readonly Tensor[] _biases;

    /// <summary>Creates a generator with the paper's initial weights.</summary>
    /// <param name="shape">Of the images; height and width at least 8.</param>
    /// <param name="random">Where the initial weights come from.</param>
    /// <param name="width">Channels of the last hidden map (64 in the paper).</param>
    /// <param name="latent">Length of the latent vector (128 in the paper).</param>
    public ImageGenerator(ImageShape shape, Parry.Torch.Generator random, int width = 64, int latent = 128)
    {
        Shape = shape;
        Width = width;
        Latent = latent;
        _maps = MapsOf(shape, width);
        using var scope = new TensorScope();
        ImageShape start = _maps[0];
        _weights = new Tensor[4];
        _biases = new Tensor[4];
        _weights[0] = Parameter("linear.weight", GanInit.Uniform([start.Pixels, latent], latent, start.Pixels, gain: 2, random));
        _biases[0] = Parameter("linear.bias", Tensor.Zeros([start.Pixels]));
        for (int i = 1; i < 4; i++)
        {
            int from = _maps[i - 1].Channels, to = _maps[i].Channels;
            _weights[i] = Parameter($"deconv{i}.weight", GanInit.Uniform([from, to, 5, 5], from * 25.0 / 4, to * 25.0, gain: 4, random));
            _biases[i] = Parameter($"deconv{i}.bias", Tensor.Zeros([to]));
        }
    }

    /// <summary>The shape of the images it draws.</summary>
    public ImageShape Shape { get; }

    /// <summary>Channels of the last hidden map.</summary>
    public int Width { get; }

    /// <summary>Length of the latent vector.</summary>
    public int Latent { get; }

    /// <summary>Images [N, C, H, W] in [0, 1] for latent vectors [N, latent]; autograd can follow it.</summary>
    public override Tensor Forward(Tensor input)
    {
        Tensor map = input.Linear(_weights[0], _biases[0]).Relu().Reshape(input.Size(0), _maps[0].Height, _maps[0].Width, _maps[0].Channels).Permute(0, 3, 1, 2);
        for (int i = 1; i < 4; i++)
        {
            // The smaller of the two sizes that a convolution maps to this one, or one more.
            long extra = _maps[i].Height - ((_maps[i - 1].Height - 1) * Stride) - 5 + (2 * Padding);
            map = map.ConvTranspose2d(_weights[i], _biases[i], Stride, Padding, extra);
            map = i < 3 ? map.Relu() : map.Sigmoid();
        }

        return map;
    }

    /// <summary>Draws images for latent vectors on the fast path and remembers what the gradients need.</summary>
    /// <param name="latents">[N, latent], float32.</param>
    /// <param name="compute">Float32, or bfloat16 for speed at three digits.</param>
    public GeneratorPass Run(Tensor latents, DType compute = DType.Float32) => new(this, latents, compute);

    /// <inheritdoc/>
    public Drawing Draw(Tensor latents, DType compute = DType.Float32)
    {
        GeneratorPass pass = Run(latents, compute);
        return new Drawing(pass.Images, pass.LatentGradient);
    }

    internal Tensor Weight(int layer) => _weights[layer];

    internal Tensor Bias(int layer) => _biases[layer];

    internal ImageShape Map(int layer) => _maps[layer];

    internal static ImageShape[] MapsOf(ImageShape shape, int width)
    {
        static int Half(int size) => (size + 1) / 2;
        int h = shape.Height, w = shape.Width;
        return
        [
            new ImageShape(4 * width, Half(Half(Half(h))), Half(Half(Half(w)))),
            new ImageShape(2 * width, Half(Half(h)), Half(Half(w))),
            new ImageShape(width, Half(h), Half(w)),
            shape,
        ];
    }
}
