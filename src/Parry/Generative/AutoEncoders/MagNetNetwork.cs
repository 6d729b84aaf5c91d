using System.Globalization;
using Parry.Models.Architectures;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// The auto-encoders of MagNet (Meng and Chen, 2017, 1705.09064): pooled and plain ones for gray images, as for MNIST
/// in the paper, and plain ones only for color images, as for CIFAR-10. If there are several members of each kind, the
/// defender draws one for a session.
/// </summary>
public sealed class MagNetNetwork : Network
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "magnet";

    private const int MostMembers = 1024;

    /// <summary>Creates them with fresh weights.</summary>
    /// <param name="shape">The shape of the images; gray ones need even height and width.</param>
    /// <param name="members">The number of auto-encoders of each kind.</param>
    /// <param name="random">Draws the initial weights.</param>
    /// <exception cref="UserErrorException">The images are gray and of odd height or width.</exception>
    public MagNetNetwork(ImageShape shape, int members, Generator random)
    {
        if (shape.Channels == 1 && (shape.Height % 2 != 0 || shape.Width % 2 != 0))
            throw new UserErrorException($"MagNet takes gray images of even height and width, not {shape}");
        Shape = shape;
        Pooled = shape.Channels == 1 ? Make("pooled", pooled: true) : [];
        Plain = Make("plain", pooled: false);

        MagNetAutoEncoder[] Make(string name, bool pooled) =>
            [
                .. Enumerable
                    .Range(0, members)
                    .Select(i =>
                        Child(
                            string.Create(CultureInfo.InvariantCulture, $"{name}{i}"),
                            new MagNetAutoEncoder(shape.Channels, pooled, random)
                        )
                    ),
            ];
    }

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; }

    /// <summary>The number of auto-encoders of each kind.</summary>
    public int Members => Plain.Count;

    /// <summary>The pooled ones; none for color images.</summary>
    public IReadOnlyList<MagNetAutoEncoder> Pooled { get; }

    /// <summary>The plain ones.</summary>
    public IReadOnlyList<MagNetAutoEncoder> Plain { get; }

    /// <summary>
    /// The auto-encoders that reconstruct images for the classifier: the pooled ones, if there are any.
    /// </summary>
    public IReadOnlyList<MagNetAutoEncoder> Reformers => Pooled.Count > 0 ? Pooled : Plain;

    /// <summary>Reconstructs images with the first reformer, [N, C, H, W] in [0, 1].</summary>
    public override Tensor forward(Tensor input) => Reformers[0].forward(input);

    /// <summary>Its description for a weight file; the caller adds how it was trained, and the thresholds.</summary>
    public ModelDescription Describe() =>
        new()
        {
            Architecture = Architecture,
            Data = "",
            Shape = Shape,
            Settings = string.Create(CultureInfo.InvariantCulture, $"members={Members}"),
        };

    /// <summary>Loads them from a weight file; the caller owns them.</summary>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds something else.</exception>
    public static (MagNetNetwork Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<MagNetNetwork>(
            path,
            [Architecture],
            description =>
            {
                int members = description.NeedSetting("members", MostMembers);
                int channels = description.Shape.Channels;
                long each =
                    MagNetAutoEncoder.ParametersOf(channels, pooled: false)
                    + (channels == 1 ? MagNetAutoEncoder.ParametersOf(channels, pooled: true) : 0);
                return (members * each, random => new MagNetNetwork(description.Shape, members, random));
            }
        );
}
