using Parry.Attacks.Generative;
using Parry.Catalogs;
using Parry.Cli.Attacking;
using Parry.Generative.AutoEncoders;
using Parry.Generative.Gans;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Cli.Inspecting;

/// <summary>Describes a model: what it takes, its layers, and which attacks fit it.</summary>
internal static class ModelInspection
{
    private const string AllAttacks = "all of `parry attack list`: gradients, scores and labels can be seen";

    /// <summary>Describes a model.</summary>
    /// <exception cref="UserErrorException">The model is not found or cannot be read.</exception>
    public static ModelContents Of(ModelRequest request, CancellationToken cancellation)
    {
        if (request.Http is not null)
            return OfOpened(request, request.Name, new Dictionary<string, string>(), cancellation);
        string path = ModelCatalog.Find(request.Name);
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            return OfWeights(request, path, cancellation);
        ModelFormat format = ModelCatalog.FormatOf(path);
        var metadata = new Dictionary<string, string> { ["format"] = format.Name };
        IReadOnlyList<ModelLayer>? layers = request.Contract.Size is null ? ModelCatalog.LayersWithoutSize(path) : null;
        return layers is null ? OfOpened(request, path, metadata, cancellation) : OfUnknownSize(path, metadata, layers);
    }

    private static ModelContents OfUnknownSize(
        string path,
        Dictionary<string, string> metadata,
        IReadOnlyList<ModelLayer> layers
    )
    {
        return new ModelContents(
            path,
            "images of a size that the file does not say; give --input-size, such as 3x224x224, to learn more",
            metadata,
            layers,
            layers.Sum(layer => layer.Parameters),
            Attacks: AllAttacks
        );
    }

    private static ModelContents OfWeights(ModelRequest request, string path, CancellationToken cancellation)
    {
        using SafeTensorsFile file = Read(path);
        return OfOtherNetwork(path, file)
            ?? (IsClassifier(path) ? OfOpened(request, path, file.Metadata, cancellation) : OfTensors(path, file));
    }

    private static ModelContents OfOpened(
        ModelRequest request,
        string name,
        IReadOnlyDictionary<string, string> metadata,
        CancellationToken cancellation
    )
    {
        using OpenedModel opened = request.Open(cancellation);
        IReadOnlyList<ModelLayer> layers = opened.Layers;
        string labels = $"by labels: {Endpoints.Names(Knowledge.Labels)}";
        string attacks = opened.Model switch
        {
            IClassifier => AllAttacks,
            IScorer => $"by scores: {Endpoints.Names(Knowledge.Scores)}; {labels}",
            _ => labels,
        };
        string? recognized = opened.Description is { Data: "" } description ? description.Architecture : null;
        return new ModelContents(
            name,
            opened.Contract.Describe(opened.Model.Shape, opened.Model.Classes),
            metadata,
            layers,
            layers.Sum(layer => layer.Parameters),
            recognized,
            attacks
        );
    }

    // Parry's own networks that are not classifiers.
    private static ModelContents? OfOtherNetwork(string path, SafeTensorsFile file)
    {
        if (!file.Metadata.ContainsKey("parry.architecture"))
            return null;
        ModelDescription description = ModelFile.Describe(path);
        if (Classifiers.Names.Contains(description.Architecture))
            return null;
        IReadOnlyList<ModelLayer> layers = GanLayers(path, description) ?? OfTensors(path, file).Layers;
        return new ModelContents(
            path,
            InputOf(description),
            file.Metadata,
            layers,
            layers.Sum(layer => layer.Parameters)
        );
    }

    private static string InputOf(ModelDescription description)
    {
        ImageShape shape = description.Shape;
        string latents = $"latent vectors [N, {description.Latent}], standard normal";
        string images = $"images [N, {shape.Channels}, {shape.Height}, {shape.Width}], float32 in [0, 1]";
        return description switch
        {
            { Architecture: ImageGenerator.Architecture } or { Latent: not null, ClassNames.Count: 0 } =>
                $"{latents}; draws images {shape} in [0, 1]",
            { Architecture: UNet.Architecture } =>
                $"images [N, {shape.Channels}, H, W], float32 in [0, 1]; draws images of that shape",
            { Architecture: PerturbationGenerator.Architecture } =>
                $"{images}; draws perturbations of that shape in [-1, 1], which are multiplied by the budget",
            { Architecture: PuVaeNetwork.Architecture } or { ClassNames.Count: 0 } => $"{images}; reconstructs them",
            _ => $"{latents}, followed by one-hot classes; draws images {shape} in [0, 1]",
        };
    }

    private static bool IsClassifier(string path)
    {
        try
        {
            _ = ModelFile.Describe(path);
            return true;
        }
        catch (UserErrorException)
        {
            return false;
        }
    }

    private static ModelContents OfTensors(string path, SafeTensorsFile file)
    {
        IReadOnlyList<ModelLayer> layers = ModelLayer.Of(file.Tensors.Select(entry => (entry.Key, entry.Value.shape)));
        return new ModelContents(path, null, file.Metadata, layers, layers.Sum(layer => layer.Parameters));
    }

    private static IReadOnlyList<ModelLayer>? GanLayers(string path, ModelDescription description)
    {
        if (!GanNetworks.Names.Contains(description.Architecture))
            return null;
        using nn.Module<Tensor, Tensor> generator = GanNetworks.Load(path).Network;
        using Tensor latent = zeros([1, description.Latent!.Value + description.ClassNames.Count]);
        return ModelLayer.Of(generator, latent);
    }

    private static SafeTensorsFile Read(string path)
    {
        try
        {
            return SafeTensors.Read(path);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(e.Message, e);
        }
    }
}
