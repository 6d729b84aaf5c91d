using Parry.Generative.AutoEncoders;
using Parry.Generative.Gans;
using Parry.Generative.Gans.Style;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Generative;

/// <summary>Opens networks that draw images from latent vectors, by file or by the name of one that ships.</summary>
public static class Generators
{
    /// <summary>
    /// Loads a generator of any kind, which the caller owns: what <see cref="Quality.GeneratorSamples"/> takes.
    /// </summary>
    /// <param name="name">A file or the name of a model that ships.</param>
    /// <exception cref="UserErrorException">It is not found, is damaged, or is not a generator.</exception>
    public static (nn.Module<Tensor, Tensor> Network, ModelDescription Description) Open(string name)
    {
        string path = ModelCatalog.Find(name);
        return ModelFile.Describe(path).Architecture switch
        {
            ImageGenerator.Architecture => ImageGenerator.Load(path),
            StyleGenerator.Architecture => StyleGenerator.Load(path),
            Vae.Architecture => Vae.Load(path),
            ConditionalVae.Architecture => ConditionalVae.Load(path),
            _ => GanNetworks.Load(path),
        };
    }
}
