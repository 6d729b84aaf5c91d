using Parry.Models.Architectures;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>The networks of the GAN family by name.</summary>
public static class GanNetworks
{
    private const string Suffix = "-generator";

    /// <summary>The kinds that have networks of their own.</summary>
    public static IReadOnlyList<GanKind> Kinds { get; } =
    [GanKind.Gan, GanKind.Dcgan, GanKind.Wgan, GanKind.Hinge, GanKind.Cgan, GanKind.SmallDcgan];

    /// <summary>The names of their generators, as weight files have them: <c>dcgan-generator</c>.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Kinds.Select(NameOf)];

    /// <summary>The kind with a short name such as <c>dcgan</c>; null if there is none.</summary>
    public static GanKind? Find(string name) =>
        Enum.TryParse(name, ignoreCase: true, out GanKind kind) && Enum.IsDefined(kind) && !char.IsAsciiDigit(name[0])
            ? kind
            : null;

    /// <summary>The name of a kind's generator.</summary>
    public static string NameOf(GanKind kind) =>
        (kind == GanKind.Lsgan ? GanKind.Dcgan : kind).ToString().ToLowerInvariant() + Suffix;

    /// <summary>
    /// A generator: from latent vectors, followed by one number per class if it is conditional, to images in [0, 1].
    /// </summary>
    /// <exception cref="UserErrorException">The images do not fit the network.</exception>
    public static LayerPlan Generator(GanKind kind, ImageShape shape, int width, int latent, int classes = 0) =>
        kind switch
        {
            GanKind.Gan => Gan.Generator(shape, width, latent),
            GanKind.Wgan => Wgan.Generator(shape, width, latent),
            GanKind.Hinge => HingeGan.Generator(shape, width, latent),
            GanKind.Cgan => ConditionalGan.Generator(shape, width, latent, classes),
            GanKind.SmallDcgan => SmallDcgan.Generator(shape, width, latent),
            _ => Dcgan.Generator(shape, width, latent),
        };

    /// <summary>
    /// A discriminator: from images in [0, 1], followed by one map per class if it is conditional, to scores [N, 1].
    /// </summary>
    public static LayerPlan Discriminator(GanKind kind, ImageShape shape, int width, int classes = 0) =>
        kind switch
        {
            GanKind.Gan => Gan.Discriminator(shape, width),
            GanKind.Wgan => Wgan.Critic(shape, width),
            GanKind.Hinge => HingeGan.Discriminator(shape, width),
            GanKind.Cgan => ConditionalGan.Discriminator(shape, width, classes),
            _ => Dcgan.Discriminator(shape, width),
        };

    /// <summary>
    /// Loads a generator, from latent vectors [N, latent], followed by one number per class name, to images in [0, 1];
    /// the caller owns it.
    /// </summary>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds no generator of the
    /// family.</exception>
    public static (nn.Module<Tensor, Tensor> Network, ModelDescription Description) Load(string path) =>
        ModelFile.Load<nn.Module<Tensor, Tensor>>(
            path,
            Names,
            description =>
            {
                GanKind kind = Kinds.First(kind => NameOf(kind) == description.Architecture);
                LayerPlan plan = Generator(
                    kind,
                    description.Shape,
                    description.NeedWidth(),
                    description.NeedLatent(),
                    description.ClassNames.Count
                );
                return (plan.Total, plan.Build);
            }
        );
}
