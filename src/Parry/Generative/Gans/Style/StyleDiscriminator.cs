using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans.Style;

/// <summary>
/// StyleGAN's discriminator (Karras, Laine, Aila, 2018, 1812.04948), the mirror of <see cref="StyleGenerator"/>: it can
/// start at any level, and its last layers see how much the images of a group of four differ.
/// </summary>
public sealed class StyleDiscriminator : Network
{
    private const int Group = 4;

    private readonly Equalized[] _fromImage = new Equalized[StyleGenerator.LastLevel + 1];
    private readonly Equalized[] _first = new Equalized[StyleGenerator.LastLevel + 1];
    private readonly Equalized[] _second = new Equalized[StyleGenerator.LastLevel + 1];
    private readonly Equalized _score;

    /// <summary>Creates a discriminator with the paper's initial weights.</summary>
    /// <param name="colors">The channels of the images.</param>
    /// <param name="width">The same as the generator's.</param>
    /// <param name="random">Draws the initial weights.</param>
    public StyleDiscriminator(int colors, int width, Generator random)
    {
        int[] channels = StyleGenerator.ChannelsOf(width);
        for (int level = 0; level < channels.Length; level++)
        {
            int from = channels[level];
            int to = channels[Math.Max(0, level - 1)];
            _fromImage[level] = Child($"image{level + 1}", new Equalized([from, colors, 1, 1], random));
            _first[level] = Child(
                $"first{level + 1}",
                new Equalized([from, level == 0 ? from + 1 : from, 3, 3], random)
            );
            _second[level] = Child(
                $"second{level + 1}",
                level == 0 ? new Equalized([from, 16 * from], random) : new Equalized([to, from, 3, 3], random)
            );
        }

        _score = Child("score", new Equalized([1, channels[0]], random, gain: 1));
    }

    /// <summary>Images [N, C, 32, 32] in [0, 1] to logits [N, 1].</summary>
    public override Tensor forward(Tensor input) => Score(input, StyleGenerator.LastLevel, 1);

    /// <summary>Images of a level's size to logits [N, 1]; N is a multiple of 4, or below 4.</summary>
    /// <param name="images">[N, C, size, size] in [0, 1].</param>
    /// <param name="level">Their level.</param>
    /// <param name="alpha">How far that level is faded in.</param>
    public Tensor Score(Tensor images, int level, double alpha)
    {
        Tensor symmetric = (2 * images) - 1;
        Tensor maps = FromImage(symmetric, level);
        for (int at = level; at > 0; at--)
        {
            maps = LeakyRelu(_first[at].forward(maps));
            maps = LeakyRelu(_second[at].forward(StyleGenerator.Blur(maps)));
            maps = Halve(maps);
            if (at == level && alpha < 1)
                maps = (alpha * maps) + ((1 - alpha) * FromImage(Halve(symmetric), at - 1));
        }

        maps = LeakyRelu(_first[0].forward(cat([maps, Deviation(maps)], 1)));
        return _score.forward(LeakyRelu(_second[0].forward(maps.flatten(1))));
    }

    /// <summary>
    /// The penalty of Mescheder et al. (2018, 1801.04406) on real images: half of γ times the mean squared norm of the
    /// score's gradient.
    /// </summary>
    public Tensor R1(Tensor images, int level, double alpha, double gamma)
    {
        Tensor followed = images.detach().requires_grad_();
        Tensor gradient = Autograd.Grad(Score(followed, level, alpha).sum(), followed, createGraph: true);
        return gamma / 2 * gradient.pow(2).SumPerImage().mean();
    }

    private Tensor FromImage(Tensor images, int level) => LeakyRelu(_fromImage[level].forward(images));

    private static Tensor LeakyRelu(Tensor maps) => nn.functional.leaky_relu(maps, 0.2);

    private static Tensor Halve(Tensor maps) => nn.functional.avg_pool2d(maps, [2, 2], [2, 2]);

    // The standard deviation within each group, averaged over channels and pixels, as one more map.
    private static Tensor Deviation(Tensor maps)
    {
        long count = maps.size(0);
        long group = Math.Min(Group, count);
        Tensor grouped = maps.reshape(group, count / group, maps.size(1), maps.size(2), maps.size(3));
        Tensor variance = (grouped - grouped.mean([0], true)).pow(2).mean([0]);
        Tensor deviation = (variance + 1e-8).sqrt().MeanPerImage();
        return deviation.repeat(group).reshape(count, 1, 1, 1).expand(count, 1, maps.size(2), maps.size(3));
    }
}
