using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>
/// The PatchGAN of pix2pix (Isola et al., 2016, 1611.07004) with a receptive field of 16x16 pixels: it scores every
/// patch of an image together with the same patch of the image that it was drawn from.
/// </summary>
public sealed class PatchDiscriminator : Network
{
    private readonly Sequential _layers;

    /// <summary>Creates a discriminator with normal initial weights of deviation 0.02.</summary>
    /// <param name="channels">The channels of each of the two images.</param>
    /// <param name="width">Channels of the first map (64 in the paper).</param>
    /// <param name="random">Draws the initial weights.</param>
    public PatchDiscriminator(int channels, int width, Generator random)
    {
        _layers = Child(
            "layers",
            Layer.Sequential(
                new Rescale(2, -1),
                Layer.Conv2d(2 * channels, width, 4, random, 2, 1),
                nn.LeakyReLU(0.2),
                Layer.Conv2d(width, 2 * width, 4, random, 1, 1),
                Layer.BatchNorm(2 * width),
                nn.LeakyReLU(0.2),
                Layer.Conv2d(2 * width, 1, 4, random, 1, 1)
            )
        );
        UNet.Start(this, random);
    }

    /// <summary>Both images [N, 2 · channels, H, W] in [0, 1] to logits [N, 1, h, w], one for each patch.</summary>
    public override Tensor forward(Tensor input) => _layers.forward(input);
}
