using Parry.Attacks.Generative;
using Parry.Generative.AutoEncoders;
using Parry.Generative.Diffusion;
using Parry.Generative.Gans;
using Parry.Generative.Gans.Style;
using Parry.Models.Architectures;

namespace Parry.Catalogs;

/// <summary>The networks that weight files hold, by their names in those files.</summary>
public static class ArchitectureCatalog
{
    /// <summary>The names of all architectures.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. Classifiers.Names,
        ImageGenerator.Architecture,
        .. GanNetworks.Names,
        UNet.Architecture,
        StyleGenerator.Architecture,
        Vae.Architecture,
        ConditionalVae.Architecture,
        PuVaeNetwork.Architecture,
        MagNetNetwork.Architecture,
        DefenseVaeNetwork.Architecture,
        DiffusionUNet.Architecture,
        PerturbationGenerator.Architecture,
    ];
}
