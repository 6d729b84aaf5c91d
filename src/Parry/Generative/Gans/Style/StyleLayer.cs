using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Generative.Gans.Style;

/// <summary>
/// What follows every convolution of StyleGAN, in this order: noise, bias, LeakyReLU, instance normalization, style.
/// </summary>
internal sealed class StyleLayer : Network
{
    private readonly Tensor _noise;
    private readonly Tensor _bias;
    private readonly Equalized _affine;

    public StyleLayer(int channels, int latent, Generator random)
    {
        _noise = Parameter("noise", zeros([1, channels, 1, 1]));
        _bias = Parameter("bias", zeros([1, channels, 1, 1]));
        _affine = Child("affine", new Equalized([2 * channels, latent], random, gain: 1));
    }

    /// <param name="maps">[N, C, H, W].</param>
    /// <param name="noise">One map for all channels, [N or 1, 1, H, W].</param>
    /// <param name="style">[N, latent].</param>
    public Tensor Forward(Tensor maps, Tensor noise, Tensor style)
    {
        Tensor noisy = maps + (_noise * noise) + _bias;
        Tensor activated = nn.functional.leaky_relu(noisy, 0.2);
        Tensor normalized = nn.functional.instance_norm(activated, weight: null, bias: null, eps: 1e-8);
        return Modulate(normalized, _affine.forward(style));
    }

    public override Tensor forward(Tensor input) =>
        throw new NotSupportedException("A style layer also takes noise and a style.");

    /// <summary>x · (s₀ + 1) + s₁ for each channel; scales and summands are [N, 2 · C].</summary>
    public static Tensor Modulate(Tensor maps, Tensor scalesAndSummands)
    {
        Tensor s = scalesAndSummands.reshape(maps.size(0), 2, maps.size(1), 1, 1);
        return (maps * (s.select(1, 0) + 1)) + s.select(1, 1);
    }
}
