using System.CommandLine;
using System.Globalization;
using Parry.Catalogs;
using Parry.Cli.Attacking;
using Parry.Generative;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using Spectre.Console;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Cli.Verbs;

/// <summary><c>parry model inspect</c>: what a weight file holds.</summary>
internal static class ModelInspectVerb
{
    /// <summary>What <c>--json</c> writes.</summary>
    /// <param name="File">The file.</param>
    /// <param name="Input">What the model takes; null when the file does not say.</param>
    /// <param name="Metadata">What the file says of itself, word for word.</param>
    /// <param name="Layers">The layers with their weights.</param>
    /// <param name="Parameters">How many numbers all layers hold.</param>
    /// <param name="Recognized">The network that weights from elsewhere are of, if they are known by their
    /// names.</param>
    /// <param name="Attacks">Which attacks fit it, by what they see of it; null for what is no classifier.</param>
    internal sealed record ModelContents(
        string File,
        string? Input,
        IReadOnlyDictionary<string, string> Metadata,
        IReadOnlyList<ModelLayer> Layers,
        long Parameters,
        string? Recognized = null,
        string? Attacks = null
    );

    /// <summary>What <c>--json</c> writes for the networks of a GAN, which are no file.</summary>
    internal sealed record GanContents(string Name, NetworkContents Generator, NetworkContents Discriminator);

    /// <summary>A network with fresh weights.</summary>
    internal sealed record NetworkContents(IReadOnlyList<ModelLayer> Layers, long Parameters, long Trainable);

    private const string Every = "all of `parry attack list`: gradients, scores and labels can be seen";

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var model = new Argument<string>("MODEL")
        {
            Description =
                "An .onnx, TorchScript .pt or .safetensors file, an http:// address, the name of a model that "
                + "ships, as fashion-mnist/a, or that of a GAN for 28x28 images: gan, dcgan, wgan, hinge or cgan.",
        };
        var options = new ModelOptions(named: false);
        Option<bool> json = Arguments.Json();
        return new Command(
            "inspect",
            "What a model is: layers, shapes, parameter counts, what it takes and gives, and which attacks fit it."
        )
        {
            model,
            options,
            json,
        }.Does(
            (result, cancellation) =>
                result.GetRequiredValue(model) is var name && GanNetworks.Find(name) is { } kind
                    ? Run(Output.Of(result), kind, result.GetValue(json))
                    : Run(Output.Of(result), options.Read(result, name), result.GetValue(json), cancellation)
        );
    }

    private static int Run(Output output, GanKind kind, bool json)
    {
        const int Classes = 10;
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
        var document = new GanContents(
            kind.ToString().ToLowerInvariant(),
            Contents(generator, zeros([1, recipe.Latent + classes])),
            Contents(discriminator, zeros([1, shape.Channels + classes, shape.Height, shape.Width]))
        );
        if (json)
        {
            output.Json(document, CliJson.Default.GanContents);
            return 0;
        }

        foreach (
            var (name, network) in new[]
            {
                ("generator", document.Generator),
                (kind == GanKind.Wgan ? "critic" : "discriminator", document.Discriminator),
            }
        )
        {
            output.Line($"{document.Name}: {name}");
            Show(output, network.Layers);
            output.Line($"{Count(network.Parameters)} parameters, {Count(network.Trainable)} of them trainable");
        }

        return 0;
    }

    private static NetworkContents Contents(Sequential network, Tensor input) =>
        new(ModelLayer.Of(network, input), network.State().Sum(entry => entry.Value.numel()), network.ParameterCount());

    private static int Run(Output output, ModelRequest request, bool json, CancellationToken cancellation)
    {
        ModelContents document = Inspect(request, cancellation);
        if (json)
            output.Json(document, CliJson.Default.ModelContents);
        else
            Show(output, document);
        return 0;
    }

    private static ModelContents Inspect(ModelRequest request, CancellationToken cancellation)
    {
        if (request.Http is not null)
            return Opened(request, request.Name, new Dictionary<string, string>(), cancellation);
        string path = ModelCatalog.Find(request.Name);
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".safetensors":
                using (SafeTensorsFile file = Read(path))
                {
                    return OtherNetwork(path, file)
                        ?? (Classifies(path) ? Opened(request, path, file.Metadata, cancellation) : Bare(path, file));
                }

            case ".onnx":
                return Opened(request, path, new Dictionary<string, string> { ["format"] = "ONNX" }, cancellation);
            default:
                var metadata = new Dictionary<string, string> { ["format"] = "TorchScript" };
                if (request.Contract.Size is not null)
                    return Opened(request, path, metadata, cancellation);
                IReadOnlyList<ModelLayer> layers = ModelCatalog.ScriptLayers(path);
                return new ModelContents(
                    path,
                    "images of a size that the file does not say; with --input-size (as 3x224x224) more can be told",
                    metadata,
                    layers,
                    layers.Sum(layer => layer.Parameters),
                    Attacks: Every
                );
        }
    }

    private static ModelContents Opened(
        ModelRequest request,
        string name,
        IReadOnlyDictionary<string, string> metadata,
        CancellationToken cancellation
    )
    {
        using OpenedModel opened = request.Open(cancellation);
        IReadOnlyList<ModelLayer> layers = opened.Layers;
        string attacks = opened.Model switch
        {
            IClassifier => Every,
            IScorer =>
                $"by scores: {Endpoints.Names(Knowledge.Scores)}; by labels: {Endpoints.Names(Knowledge.Labels)}",
            _ => $"by labels: {Endpoints.Names(Knowledge.Labels)}",
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

    // Parry's own networks that are no classifiers.
    private static ModelContents? OtherNetwork(string path, SafeTensorsFile file)
    {
        if (!file.Metadata.ContainsKey("parry.architecture"))
            return null;
        ModelDescription description = ModelFile.Describe(path);
        if (Classifiers.Names.Contains(description.Architecture))
            return null;
        IReadOnlyList<ModelLayer> layers = GanLayers(path, description) ?? Bare(path, file).Layers;
        string? input = description switch
        {
            { Architecture: ModelDescription.GeneratorArchitecture } or { Latent: not null, ClassNames.Count: 0 } =>
                $"latent vectors [N, {description.Latent}], standard normal; draws images {description.Shape} in "
                    + $"[0, 1]",
            { Architecture: ModelDescription.Pix2PixArchitecture } =>
                $"images [N, {description.Shape.Channels}, H, W], float32 in [0, 1]; draws images of that shape",
            { Architecture: ModelDescription.AdvGanArchitecture } =>
                $"images [N, {description.Shape.Channels}, {description.Shape.Height}, {description.Shape.Width}], "
                    + $"float32 in [0, 1]; draws perturbations of that shape in [-1, 1], which the budget multiplies",
            { Architecture: PuVaeNetwork.Architecture } or { ClassNames.Count: 0 } =>
                $"images [N, {description.Shape.Channels}, {description.Shape.Height}, {description.Shape.Width}], "
                    + $"float32 in [0, 1]; draws them again",
            _ => $"latent vectors [N, {description.Latent}], standard normal, and one-hot classes behind them; draws "
                + $"images {description.Shape} in [0, 1]",
        };
        return new ModelContents(path, input, file.Metadata, layers, layers.Sum(layer => layer.Parameters));
    }

    private static bool Classifies(string path)
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

    private static ModelContents Bare(string path, SafeTensorsFile file)
    {
        IReadOnlyList<ModelLayer> layers = ModelLayer.Of(file.Tensors.Select(entry => (entry.Key, entry.Value.shape)));
        return new ModelContents(path, null, file.Metadata, layers, layers.Sum(layer => layer.Parameters));
    }

    private static IReadOnlyList<ModelLayer>? GanLayers(string path, ModelDescription description)
    {
        if (!GanNetworks.Names.Contains(description.Architecture))
            return null;
        using nn.Module<Tensor, Tensor> generator = ModelFile.LoadGan(path).Generator;
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

    private static void Show(Output output, ModelContents document)
    {
        output.Line(document.File);
        foreach (var (key, value) in document.Metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            output.Line(
                $"  {(key.StartsWith("parry.", StringComparison.Ordinal) ? key["parry.".Length..] : key), -15} {value}"
            );
        if (document.Recognized is { } network)
            output.Line($"  {"recognized as", -15} {network}");
        output.Line($"  {"takes", -15} {document.Input ?? "the file does not say"}");
        if (document.Attacks is { } attacks)
            output.Line($"  {"attacks", -15} {attacks}");
        if (document.Layers.Count == 0)
            return;
        Show(output, document.Layers);
        output.Line($"{Count(document.Parameters)} parameters");
    }

    private static void Show(Output output, IReadOnlyList<ModelLayer> layers)
    {
        bool known = layers.Any(layer => layer.Kind is not null);
        Table table = known
            ? Output.Table("layer", "kind", "output", "weights", ">parameters")
            : Output.Table("layer", "weights", ">parameters");
        foreach (ModelLayer layer in layers)
        {
            string weights = string.Join(", ", layer.Weights.Select(entry => $"{entry.Key} {Shape(entry.Value)}"));
            string[] cells = known
                ? [layer.Name, layer.Kind!, Shape(layer.Output![1..]), weights, Count(layer.Parameters)]
                : [layer.Name, weights, Count(layer.Parameters)];
            table.AddRow(Array.ConvertAll(cells, Markup.Escape));
        }

        output.Render(table);
    }

    private static string Shape(long[] shape) => string.Join('x', shape);

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
