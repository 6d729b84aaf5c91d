using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Generative;

/// <summary>
/// The critic of Defense-GAN's WGAN-GP: three 5x5 convolutions with stride 2 and LeakyReLU 0.2, and a linear layer to one number.
/// No batch normalization, which the gradient penalty forbids.
/// </summary>
public sealed class WassersteinCritic : Module
{
    internal const double Slope = 0.2;
    internal const int Stride = 2;
    internal const int Padding = 2;

    /// <summary>Creates a critic with the paper's initial weights.</summary>
    /// <param name="shape">Of the images.</param>
    /// <param name="random">Where the initial weights come from.</param>
    /// <param name="width">Channels of the first map (64 in the paper).</param>
    public WassersteinCritic(ImageShape shape, Parry.Torch.Generator random, int width = 64)
    {
        using var scope = new TensorScope();
        ImageShape[] maps = [.. ImageGenerator.MapsOf(shape, width).Reverse()];
        for (int i = 1; i < 4; i++)
        {
            int from = maps[i - 1].Channels, to = maps[i].Channels;
            Weights[i - 1] = Parameter($"conv{i}.weight", GanInit.Uniform([to, from, 5, 5], from * 25.0, to * 25.0 / 4, gain: 4, random));
            Biases[i - 1] = Parameter($"conv{i}.bias", Tensor.Zeros([to]));
        }

        Weights[3] = Parameter("linear.weight", GanInit.Uniform([1, maps[3].Pixels], maps[3].Pixels, 1, gain: 2, random));
        Biases[3] = Parameter("linear.bias", Tensor.Zeros([1]));
    }

    internal Tensor[] Weights { get; } = new Tensor[4];

    internal Tensor[] Biases { get; } = new Tensor[4];

    /// <summary>One number per image [N, C, H, W], as [N]; autograd can follow it.</summary>
    public override Tensor Forward(Tensor input)
    {
        Tensor map = input;
        for (int i = 0; i < 3; i++) map = map.Conv2d(Weights[i], Biases[i], Stride, Padding).LeakyRelu(Slope);
        return map.Permute(0, 2, 3, 1).Flatten().Linear(Weights[3], Biases[3]).Squeeze(1);
    }
}
