using Parry.Generative.AutoEncoders;
using Parry.Generative.Gans;
using Parry.Generative.Gans.Style;
using Parry.Models;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Generative;

/// <summary>
/// Opens networks that draw images from latent vectors, from a file or by the name of one that ships.
/// </summary>
public static class Generators
{
    /// <summary>The architectures that draw images from latent vectors.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        ImageGenerator.Architecture,
        StyleGenerator.Architecture,
        Vae.Architecture,
        ConditionalVae.Architecture,
        .. GanNetworks.Names,
    ];

    /// <summary>Loads a generator of any kind as a model that projections search among; the caller owns it.</summary>
    /// <param name="name">A file or the name of a model that ships.</param>
    /// <exception cref="UserErrorException">The file is missing, damaged, holds no generator, or one that draws images
    /// of a given class.</exception>
    public static ILatentModel OpenLatentModel(string name)
    {
        var (network, description) = Open(name);
        if (network is ILatentModel model)
            return model;
        if (network is ConditionalVae || description.Architecture == GanNetworks.NameOf(GanKind.Cgan))
        {
            network.Dispose();
            throw new UserErrorException(
                $"{name} draws images of a class that it is given, so nothing can be projected onto it: give a "
                    + "generator that needs no class"
            );
        }

        return new LatentNetwork(network, description.Shape, description.NeedLatent());
    }

    /// <summary>
    /// Loads a generator of any kind, for <see cref="Quality.GeneratorSamples"/>; the caller owns it.
    /// </summary>
    /// <param name="name">A file or the name of a model that ships.</param>
    /// <exception cref="UserErrorException">The file is missing, damaged, or holds no generator.</exception>
    public static (nn.Module<Tensor, Tensor> Network, ModelDescription Description) Open(string name)
    {
        string path = ModelCatalog.Find(name);
        return ModelFile.Describe(path).Architecture switch
        {
            ImageGenerator.Architecture => ImageGenerator.Load(path),
            StyleGenerator.Architecture => StyleGenerator.Load(path),
            Vae.Architecture => Vae.Load(path),
            ConditionalVae.Architecture => ConditionalVae.Load(path),
            var family when GanNetworks.Names.Contains(family) => GanNetworks.Load(path),
            var other => throw new UserErrorException(
                $"{name} holds \"{other}\", which is not a generator: expected one of {string.Join(", ", Names)}"
            ),
        };
    }
}
