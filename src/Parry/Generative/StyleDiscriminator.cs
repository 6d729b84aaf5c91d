using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Generative;

/// <summary>StyleGAN's discriminator (1812.04948), the mirror of <see cref="StyleGenerator"/>: it begins at any level, and its last layers see how much the images of a group of four differ.</summary>
public sealed class StyleDiscriminator : Module
{
    private const int Group = 4;

    private readonly Equalized[] _fromImage = new Equalized[StyleGenerator.LastLevel + 1];
    private readonly Equalized[] _first = new Equalized[StyleGenerator.LastLevel + 1];
    private readonly Equalized[] _second = new Equalized[StyleGenerator.LastLevel + 1];
    private readonly Equalized _score;

    /// <summary>Creates a discriminator with the paper's first weights.</summary>
    /// <param name="colors">Channels of the images.</param>
    /// <param name="width">As the generator's.</param>
    /// <param name="random">Where the first weights come from.</param>
    public StyleDiscriminator(int colors, int width, Parry.Torch.Generator random)
    {
        int[] channels = StyleGenerator.ChannelsOf(width);
        for (int level = 0; level < channels.Length; level++)
        {
            int from = channels[level], to = channels[Math.Max(0, level - 1)];
            _fromImage[level] = Child($"image{level + 1}", new Equalized([from, colors, 1, 1], random));
            _first[level] = Child($"first{level + 1}", new Equalized([from, level == 0 ? from + 1 : from, 3, 3], random));
            _second[level] = Child($"second{level + 1}", level == 0 ? new Equalized([from, 16 * from], random) : new Equalized([to, from, 3, 3], random));
        }

        _score = Child("score", new Equalized([1, channels[0]], random, gain: 1));
    }

    /// <summary>Images [N, C, 32, 32] in [0, 1] to logits [N, 1].</summary>
    public override Tensor Forward(Tensor input) => Score(input, StyleGenerator.LastLevel, 1);

    /// <summary>Images of a level's size to logits [N, 1]; N is a multiple of 4, or less than that.</summary>
    /// <param name="images">[N, C, size, size] in [0, 1].</param>
    /// <param name="level">Their level.</param>
    /// <param name="alpha">How far that level is faded in.</param>
    public Tensor Score(Tensor images, int level, double alpha)
    {
        Tensor symmetric = images.Mul(2).Sub(1), maps = _fromImage[level].Forward(symmetric).LeakyRelu(0.2);
        for (int at = level; at > 0; at--)
        {
            maps = _second[at].Forward(StyleGenerator.Blur(_first[at].Forward(maps).LeakyRelu(0.2))).LeakyRelu(0.2).AvgPool2d(2, 2);
            if (at == level && alpha < 1) maps = maps.Mul(alpha).Add(_fromImage[at - 1].Forward(symmetric.AvgPool2d(2, 2)).LeakyRelu(0.2).Mul(1 - alpha));
        }

        maps = _first[0].Forward(Tensor.Cat([maps, Spread(maps)], 1)).LeakyRelu(0.2);
        return _score.Forward(_second[0].Forward(maps.Flatten()).LeakyRelu(0.2));
    }

    /// <summary>The penalty of Mescheder et al. (2018, 1801.04406) on real images: half of γ times the mean squared norm of the score's gradient.</summary>
    public Tensor R1(Tensor images, int level, double alpha, double gamma)
    {
        Tensor followed = images.Detach().RequireGrad();
        Tensor gradient = Autograd.Grad(Score(followed, level, alpha).Sum(), followed, createGraph: true);
        return gradient.Mul(gradient).Sum([1, 2, 3]).Mean().Mul(gamma / 2);
    }

    // The standard deviation within each group, averaged over channels and pixels, as one more map.
    private static Tensor Spread(Tensor maps)
    {
        long count = maps.Size(0), group = Math.Min(Group, count);
        Tensor grouped = maps.Reshape(group, count / group, maps.Size(1), maps.Size(2), maps.Size(3));
        Tensor centered = grouped.Sub(grouped.Mean([0], keep: true));
        Tensor deviation = centered.Mul(centered).Mean([0]).Add(1e-8).Sqrt().Mean([1, 2, 3]);
        return deviation.Repeat(group).Reshape(count, 1, 1, 1).Expand(count, 1, maps.Size(2), maps.Size(3));
    }
}
