using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Attacks.Generative;

/// <summary>
/// AdvGAN's discriminator, C8, C16, C32 and a linear layer: 4x4 convolutions with stride 2 and LeakyReLU 0.2, all but
/// the first with instance normalization. From images [N, C, H, W] to one number each, [N]: 1 for a real image, 0 for
/// one that was perturbed.
/// </summary>
internal sealed class PerturbationDiscriminator : Network
{
    private readonly nn.Module<Tensor, Tensor>[] _convolutions;
    private readonly Linear _last;

    /// <summary>Creates it with weights from N(0, 0.02).</summary>
    public PerturbationDiscriminator(ImageShape shape, Generator random)
    {
        long[] channels = [shape.Channels, 8, 16, 32];
        (long height, long width) = (shape.Height, shape.Width);
        var convolutions = new List<nn.Module<Tensor, Tensor>>();
        for (int i = 1; i < channels.Length && Math.Min(height, width) >= 2; i++)
        {
            convolutions.Add(
                Child($"conv{i}", Layer.Conv2d(channels[i - 1], channels[i], 4, random, stride: 2, padding: 1))
            );
            (height, width) = (height / 2, width / 2);
        }

        _convolutions = [.. convolutions];
        _last = Child("linear", Layer.Linear(channels[_convolutions.Length] * height * width, 1, random));
        foreach (var (_, parameter) in this.Parameters().Where(parameter => parameter.Value.shape.Length > 1))
            Init.Gaussian(parameter, 0.02, random);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        Tensor map = input;
        for (int i = 0; i < _convolutions.Length; i++)
        {
            map = _convolutions[i].forward(map);

            // One position has no variance to normalize.
            if (i > 0 && map.size(2) * map.size(3) > 1)
                map = nn.functional.instance_norm(map, weight: null, bias: null, eps: 1e-5);
            map = nn.functional.leaky_relu(map, 0.2);
        }

        return _last.forward(map.flatten(1)).squeeze(1);
    }
}
