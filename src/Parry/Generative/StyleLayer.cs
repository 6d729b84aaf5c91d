using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Generative;

/// <summary>What follows every convolution of StyleGAN, in this order: noise, bias, LeakyReLU, instance normalization, style.</summary>
internal sealed class StyleLayer : Module
{
    private readonly Tensor _noise;
    private readonly Tensor _bias;
    private readonly Equalized _affine;

    public StyleLayer(int channels, int latent, Parry.Torch.Generator random)
    {
        _noise = Parameter("noise", Tensor.Zeros([1, channels, 1, 1]));
        _bias = Parameter("bias", Tensor.Zeros([1, channels, 1, 1]));
        _affine = Child("affine", new Equalized([2 * channels, latent], random, gain: 1));
    }

    /// <param name="maps">[N, C, H, W].</param>
    /// <param name="noise">One map for all channels, [N or 1, 1, H, W].</param>
    /// <param name="style">[N, latent].</param>
    public Tensor Forward(Tensor maps, Tensor noise, Tensor style) =>
        Modulate(maps.Add(noise.Mul(_noise)).Add(_bias).LeakyRelu(0.2).InstanceNorm(null, null, 1e-8), _affine.Forward(style));

    public override Tensor Forward(Tensor input) => throw new NotSupportedException("A style layer also takes noise and a style.");

    /// <summary>x · (s₀ + 1) + s₁ for each channel; scales and summands are [N, 2 · C].</summary>
    public static Tensor Modulate(Tensor maps, Tensor scalesAndSummands)
    {
        Tensor both = scalesAndSummands.Reshape(maps.Size(0), 2, maps.Size(1), 1, 1);
        return maps.Mul(both.Select(1, 0).Add(1)).Add(both.Select(1, 1));
    }
}
