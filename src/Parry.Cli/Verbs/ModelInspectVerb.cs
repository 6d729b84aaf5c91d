using System.CommandLine;
using System.Globalization;
using Parry.Generative;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Torch;
using Parry.Torch.Nn;
using Parry.Torch.Serialization;
using Spectre.Console;

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
    /// <param name="Recognized">The network that weights from elsewhere are of, if they are known by their names.</param>
    internal sealed record ModelContents(string File, string? Input, IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<LayerContents> Layers, long Parameters, string? Recognized = null);

    /// <summary>One layer; kind and output are known for classifiers only.</summary>
    internal sealed record LayerContents(string Name, string? Kind, IReadOnlyDictionary<string, long[]> Weights, long[]? Output, long Parameters);

    /// <summary>What <c>--json</c> writes for the networks of a GAN, which are no file.</summary>
    internal sealed record GanContents(string Name, NetworkContents Generator, NetworkContents Discriminator);

    /// <summary>A network with fresh weights.</summary>
    internal sealed record NetworkContents(IReadOnlyList<LayerContents> Layers, long Parameters, long Trainable);

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "A .safetensors or TorchScript .pt file, the name of a model that ships, as fashion-mnist/a, or that of a GAN for 28x28 images: gan, dcgan, wgan, hinge or cgan." };
        Option<bool> json = Arguments.Json();
        return new Command("inspect", "What a weight file holds: layers, shapes, parameter counts, and what the model takes.") { model, json }
            .Does((result, _) => result.GetRequiredValue(model) is var name && GanNetworks.Find(name) is { } kind
                ? Run(Output.Of(result), kind, result.GetValue(json))
                : Run(Output.Of(result), ModelCatalog.Find(name), result.GetValue(json)));
    }

    private static int Run(Output output, GanKind kind, bool json)
    {
        const int Classes = 10;
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        using var random = new Generator(1);
        var shape = new ImageShape(1, 28, 28);
        GanRecipe recipe = GanRecipe.Of(kind);
        int classes = kind == GanKind.Cgan ? Classes : 0;
        using Sequential generator = GanNetworks.Generator(kind, shape, recipe.Width, recipe.Latent, classes).Build(random);
        using Sequential discriminator = GanNetworks.Discriminator(kind, shape, recipe.Width, classes).Build(random);
        var document = new GanContents(
            kind.ToString().ToLowerInvariant(),
            Contents(generator, Tensor.Zeros([1, recipe.Latent + classes])),
            Contents(discriminator, Tensor.Zeros([1, shape.Channels + classes, shape.Height, shape.Width])));
        if (json)
        {
            output.Json(document, CliJson.Default.GanContents);
            return 0;
        }

        foreach (var (name, network) in new[] { ("generator", document.Generator), (kind == GanKind.Wgan ? "critic" : "discriminator", document.Discriminator) })
        {
            output.Line($"{document.Name}: {name}");
            Show(output, network.Layers);
            output.Line($"{Count(network.Parameters)} parameters, {Count(network.Trainable)} of them trainable");
        }

        return 0;
    }

    private static NetworkContents Contents(Sequential network, Tensor input) =>
        new(LayersOf(network, input), network.State.Sum(entry => entry.Value.Elements), network.ParameterCount);

    private static int Run(Output output, string path, bool json)
    {
        ModelContents document = path.EndsWith(".pt", StringComparison.OrdinalIgnoreCase) ? InspectScript(path) : Inspect(path);
        if (json) output.Json(document, CliJson.Default.ModelContents);
        else Show(output, document);
        return 0;
    }

    private static ModelContents Inspect(string path)
    {
        using SafeTensorsFile file = Read(path);
        if (!file.Metadata.ContainsKey("parry.architecture")) return Recognized(path, file.Metadata) ?? new ModelContents(path, null, file.Metadata, LayersOf(file), file.Tensors.Values.Sum(tensor => tensor.Elements));
        ModelDescription description = ModelFile.Describe(path);
        LayerContents[] layers = LayersOf(path, description) ?? LayersOf(file);
        string? input = description switch
        {
            { Architecture: ModelDescription.GeneratorArchitecture } or { Latent: not null, ClassNames.Count: 0 } => $"latent vectors [N, {description.Latent}], standard normal; draws images {description.Shape} in [0, 1]",
            { Architecture: ModelDescription.Pix2PixArchitecture } => $"images [N, {description.Shape.Channels}, H, W], float32 in [0, 1]; draws images of that shape",
            { Architecture: ModelDescription.AdvGanArchitecture } => $"images [N, {description.Shape.Channels}, {description.Shape.Height}, {description.Shape.Width}], float32 in [0, 1]; draws perturbations of that shape in [-1, 1], which the budget multiplies",
            { Architecture: PuVaeNetwork.Architecture } or { ClassNames.Count: 0 } => $"images [N, {description.Shape.Channels}, {description.Shape.Height}, {description.Shape.Width}], float32 in [0, 1]; draws them again",
            { Latent: not null } => $"latent vectors [N, {description.Latent}], standard normal, and one-hot classes behind them; draws images {description.Shape} in [0, 1]",
            _ => $"images [N, {description.Shape.Channels}, {description.Shape.Height}, {description.Shape.Width}], float32 in [0, 1]; gives {description.ClassNames.Count} logits",
        };
        return new ModelContents(path, input, file.Metadata, layers, layers.Sum(layer => layer.Parameters));
    }

    // Weights from elsewhere; null if they are of no network that is known by its names.
    private static ModelContents? Recognized(string path, IReadOnlyDictionary<string, string> metadata)
    {
        try
        {
            using var frozen = Autograd.NoGrad();
            using var scope = new TensorScope();
            var (classifier, description) = ModelFile.LoadClassifier(path);
            using (classifier)
            {
                var (shape, contract) = (classifier.Shape, classifier.Contract);
                LayerContents[] layers = LayersOf(classifier.Network is Sequential network ? network : classifier.Network.Children[0].Value, Tensor.Zeros([1, shape.Channels, shape.Height, shape.Width]));
                string inside = string.Concat(
                    contract.Range is { } range ? $"; stretched to [{Text(range.Low)}, {Text(range.High)}]" : "",
                    contract.Mean is { } mean ? $"; less the mean {string.Join(", ", mean.Select(Text))}" : "",
                    contract.Std is { } deviation ? $"; divided by {string.Join(", ", deviation.Select(Text))}" : "");
                string input = $"images [N, {shape.Channels}, {shape.Height}, {shape.Width}], float32 in [0, 1]{inside}; gives {classifier.Classes} logits{(contract.Background is > 0 and int background ? $" behind {background} of no class" : "")}";
                return new ModelContents(path, input, metadata, layers, layers.Sum(layer => layer.Parameters), description.Architecture);
            }
        }
        catch (UserErrorException)
        {
            return null;
        }
    }

    private static string Text(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static ModelContents InspectScript(string path)
    {
        try
        {
            using ScriptModule module = ScriptModule.Load(path);
            return new ModelContents(path, null, new Dictionary<string, string> { ["format"] = "TorchScript" }, [], 0);
        }
        catch (TorchException e)
        {
            throw new UserErrorException($"{path} is no TorchScript file, or needs what this LibTorch lacks ({e.Message.Split('\n')[0]})", e);
        }
    }

    private static LayerContents[]? LayersOf(string path, ModelDescription? description)
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        if (description is null) return null;
        if (Classifiers.Names.Contains(description.Architecture))
        {
            using NetworkClassifier classifier = ModelFile.LoadClassifier(path).Classifier;
            return LayersOf(classifier.Network, Tensor.Zeros([1, classifier.Shape.Channels, classifier.Shape.Height, classifier.Shape.Width]));
        }

        if (!GanNetworks.Names.Contains(description.Architecture)) return null;
        using Module generator = ModelFile.LoadGan(path).Generator;
        return LayersOf(generator, Tensor.Zeros([1, description.Latent!.Value + description.ClassNames.Count]));
    }

    private static LayerContents[] LayersOf(Module network, Tensor input)
    {
        var layers = new List<LayerContents>();
        foreach (var (name, module) in network.Children)
        {
            input = module.Forward(input);
            layers.Add(new LayerContents(name, module.ToString(), module.State.ToDictionary(entry => entry.Key, entry => entry.Value.Shape), input.Shape, module.State.Sum(entry => entry.Value.Elements)));
        }

        return [.. layers];
    }

    private static LayerContents[] LayersOf(SafeTensorsFile file) =>
    [
        .. file.Tensors.GroupBy(entry => entry.Key.LastIndexOf('.') is > 0 and int dot ? entry.Key[..dot] : entry.Key).Select(layer => new LayerContents(
            layer.Key,
            null,
            layer.ToDictionary(entry => entry.Key.Length > layer.Key.Length ? entry.Key[(layer.Key.Length + 1)..] : entry.Key, entry => entry.Value.Shape),
            null,
            layer.Sum(entry => entry.Value.Elements))),
    ];

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
            output.Line($"  {(key.StartsWith("parry.", StringComparison.Ordinal) ? key["parry.".Length..] : key),-15} {value}");
        if (document.Recognized is { } network) output.Line($"  {"recognized as",-15} {network}");
        output.Line($"  {"takes",-15} {document.Input ?? "the file does not say"}");
        if (document.Layers.Count == 0) return;
        Show(output, document.Layers);
        output.Line($"{Count(document.Parameters)} parameters");
    }

    private static void Show(Output output, IReadOnlyList<LayerContents> layers)
    {
        bool known = layers.Any(layer => layer.Kind is not null);
        Table table = known ? Output.Table("layer", "kind", "output", "weights", ">parameters") : Output.Table("layer", "weights", ">parameters");
        foreach (LayerContents layer in layers)
        {
            string weights = string.Join(", ", layer.Weights.Select(entry => $"{entry.Key} {Shape(entry.Value)}"));
            string[] cells = known ? [layer.Name, layer.Kind!, Shape(layer.Output![1..]), weights, Count(layer.Parameters)] : [layer.Name, weights, Count(layer.Parameters)];
            table.AddRow(Array.ConvertAll(cells, Markup.Escape));
        }

        output.Render(table);
    }

    private static string Shape(long[] shape) => string.Join('x', shape);

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
