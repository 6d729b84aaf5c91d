using Parry.Generative.Gans;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Cli.Inspecting;

/// <summary>Describes the networks of a GAN for 28x28 images, which need no file.</summary>
internal static class GanInspection
{
    private const int Classes = 10;

    /// <summary>Builds the networks and describes them.</summary>
    public static GanContents Of(GanKind kind)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator(1);
        var shape = new ImageShape(1, 28, 28);
        GanRecipe recipe = GanRecipe.Of(kind);
        int classes = kind == GanKind.Cgan ? Classes : 0;
        using Sequential generator = GanNetworks
            .Generator(kind, shape, recipe.Width, recipe.Latent, classes)
            .Build(random);
        using Sequential discriminator = GanNetworks.Discriminator(kind, shape, recipe.Width, classes).Build(random);
        Tensor latent = zeros([1, recipe.Latent + classes]);
        Tensor image = zeros([1, shape.Channels + classes, shape.Height, shape.Width]);
        return new GanContents(
            kind.ToString().ToLowerInvariant(),
            Contents(generator, latent),
            Contents(discriminator, image)
        );
    }

    private static NetworkContents Contents(Sequential network, Tensor input) =>
        new(ModelLayer.Of(network, input), network.State().Sum(entry => entry.Value.numel()), network.ParameterCount());
}
