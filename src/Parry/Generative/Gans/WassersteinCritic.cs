using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// The critic of Defense-GAN's WGAN-GP: three 5x5 convolutions with stride 2 and LeakyReLU 0.2, and a linear layer to
/// one number. There is no batch normalization, which the gradient penalty forbids.
/// </summary>
public sealed class WassersteinCritic : Network
{
    internal const double Slope = 0.2;
    internal const int Stride = 2;
    internal const int Padding = 2;

    /// <summary>Creates a critic with the paper's initial weights.</summary>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="random">Draws the initial weights.</param>
    /// <param name="width">Channels of the first map (64 in the paper).</param>
    public WassersteinCritic(ImageShape shape, Generator random, int width = 64)
    {
        using var scope = NewDisposeScope();
        ImageShape[] maps = [.. ImageGenerator.MapsOf(shape, width).Reverse()];
        for (int i = 1; i < 4; i++)
        {
            int from = maps[i - 1].Channels;
            int to = maps[i].Channels;
            Tensor weight = GanInit.Uniform([to, from, 5, 5], from * 25.0, to * 25.0 / 4, gain: 4, random);
            Weights[i - 1] = Parameter($"conv{i}.weight", ChannelsLast.Of(weight));
            Biases[i - 1] = Parameter($"conv{i}.bias", zeros([to]));
        }

        Weights[3] = Parameter(
            "linear.weight",
            GanInit.Uniform([1, maps[3].Pixels], maps[3].Pixels, 1, gain: 2, random)
        );
        Biases[3] = Parameter("linear.bias", zeros([1]));
    }

    internal Tensor[] Weights { get; } = new Tensor[4];

    internal Tensor[] Biases { get; } = new Tensor[4];

    /// <summary>One number per image [N, C, H, W], as [N]; autograd can follow it.</summary>
    public override Tensor forward(Tensor input) => Score(input, input.dtype);

    /// <summary>One number per image [N, C, H, W], as [N]; autograd can follow it.</summary>
    /// <param name="images">In [0, 1].</param>
    /// <param name="compute">The type of the maps in between.</param>
    public Tensor Score(Tensor images, ScalarType compute) =>
        Score(images, compute, map => nn.functional.leaky_relu(map, Slope));

    private Tensor Score(Tensor images, ScalarType compute, Func<Tensor, Tensor> activation)
    {
        Tensor map = ChannelsLast.Of(images.to(compute));
        for (int i = 0; i < 3; i++)
        {
            Tensor weight = Weights[i].to(compute);
            Tensor bias = Biases[i].to(compute);
            map = activation(nn.functional.conv2d(map, weight, bias, [Stride, Stride], [Padding, Padding]));
        }

        Tensor rows = map.permute(0, 2, 3, 1).flatten(1);
        Tensor scores = nn.functional.linear(rows, Weights[3].to(compute), Biases[3].to(compute)).squeeze(1);
        return compute == ScalarType.BFloat16 ? scores.to(ScalarType.Float32) : scores;
    }

    /// <summary>
    /// The loss of WGAN-GP's critic: mean(fake) - mean(real), and λ · mean((‖∇‖ - 1)²) with the gradient ∇ of its
    /// scores taken at mixtures of both. Gulrajani et al., 2017, 1704.00028.
    /// </summary>
    public (Tensor Distance, Tensor Penalty) Loss(
        Tensor real,
        Tensor fake,
        Tensor mixed,
        double lambda,
        ScalarType compute
    )
    {
        long count = real.size(0);
        Tensor scores = Score(cat([real, fake]), compute);
        Tensor distance = scores.slice(0, count, 2 * count, 1).mean() - scores.slice(0, 0, count, 1).mean();

        Tensor at = mixed.detach().requires_grad_();
        Tensor gradient = Autograd.Grad(Score(at, compute, PiecewiseLinear).sum(), at, createGraph: true);
        Tensor norm = gradient.LengthPerImage();
        Tensor penalty = (norm - 1).pow(2).mean() * lambda;
        return (distance, penalty);
    }

    // LeakyReLU as a product with its own slope, a constant. So autograd knows that the second derivative is zero; with
    // the operator it would carry zeros back through the whole network.
    private static Tensor PiecewiseLinear(Tensor map)
    {
        Tensor slope = where(map.detach() > 0, ones(1, map.dtype), full(1, Slope, map.dtype));
        return map * slope;
    }
}
