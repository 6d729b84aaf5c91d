using System.CommandLine;
using Parry.Cli.Inspecting;
using Parry.Generative.Gans;
using Parry.Models;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry model inspect</c>: describes a model.</summary>
internal sealed class ModelInspectVerb
{
    private readonly Argument<string> _model = new("MODEL")
    {
        Description =
            $"A model file ({ModelCatalog.FileKinds}), an {ModelCatalog.UrlKinds}, the name of a model that ships, "
            + "such as fashion-mnist/a, or that of a GAN for 28x28 images: gan, dcgan, wgan, hinge or cgan.",
    };
    private readonly ModelOptions _options = new(named: false);
    private readonly Option<bool> _json = Arguments.Json();

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var verb = new ModelInspectVerb();
        return new Command(
            "inspect",
            "Describe a model: layers, shapes, parameter counts, inputs and outputs, and which attacks fit it."
        )
        {
            verb._model,
            verb._options,
            verb._json,
        }.Does(verb.Run);
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Output output = Output.Of(parsed);
        string name = parsed.GetRequiredValue(_model);
        bool json = parsed.GetValue(_json);
        if (GanNetworks.Find(name) is { } kind)
        {
            GanContents gan = GanInspection.Of(kind);
            if (json)
                output.Json(gan, CliJson.Default.GanContents);
            else
                Show(output, gan, kind == GanKind.Wgan ? "critic" : "discriminator");
            return 0;
        }

        ModelContents model = ModelInspection.Of(_options.Read(parsed, name), cancellation);
        if (json)
            output.Json(model, CliJson.Default.ModelContents);
        else
            Show(output, model);
        return 0;
    }

    private static void Show(Output output, GanContents gan, string opponent)
    {
        foreach (var (name, network) in new[] { ("generator", gan.Generator), (opponent, gan.Discriminator) })
        {
            output.Line($"{gan.Name}: {name}");
            output.Render(TableOf(network.Layers));
            output.Line($"{network.Parameters:N0} parameters, {network.Trainable:N0} of them trainable");
        }
    }

    private static void Show(Output output, ModelContents model)
    {
        const string OwnPrefix = "parry.";
        output.Line(model.File);
        foreach (var (key, value) in model.Metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            Fact(key.StartsWith(OwnPrefix, StringComparison.Ordinal) ? key[OwnPrefix.Length..] : key, value);
        if (model.Recognized is { } network)
            Fact("recognized as", network);
        Fact("takes", model.Input ?? "the file does not say");
        if (model.Attacks is { } attacks)
            Fact("attacks", attacks);
        if (model.Layers.Count == 0)
            return;
        output.Render(TableOf(model.Layers));
        output.Line($"{model.Parameters:N0} parameters");

        void Fact(string name, string value) => output.Line($"  {name.PadRight(15)} {value}");
    }

    private static Table TableOf(IReadOnlyList<ModelLayer> layers)
    {
        bool known = layers.Any(layer => layer.Kind is not null);
        Table table = known
            ? Output.Table("layer", "kind", "output", "weights", ">parameters")
            : Output.Table("layer", "weights", ">parameters");
        foreach (ModelLayer layer in layers)
        {
            string weights = string.Join(", ", layer.Weights.Select(entry => $"{entry.Key} {Shape(entry.Value)}"));
            string parameters = $"{layer.Parameters:N0}";
            if (known)
                table.AddCells(layer.Name, layer.Kind!, Shape(layer.Output![1..]), weights, parameters);
            else
                table.AddCells(layer.Name, weights, parameters);
        }

        return table;
    }

    private static string Shape(long[] shape) => string.Join('x', shape);
}
