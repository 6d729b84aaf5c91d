using System.CommandLine;
using Parry.Catalogs;
using Parry.Models;
using Parry.Models.Files;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry model list</c>: the models that ship and the architectures that can be trained.</summary>
internal static class ModelListVerb
{
    /// <summary>What <c>--json</c> writes.</summary>
    internal sealed record ModelListing(IReadOnlyList<ListedModel> Models, IReadOnlyList<string> Architectures);

    /// <summary>A model that ships.</summary>
    internal sealed record ListedModel(
        string Name,
        string Architecture,
        string Data,
        string Input,
        double? TestAccuracy,
        string File
    );

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Option<bool> json = Arguments.Json();
        return new Command("list", "List the models that ship and the architectures that can be trained.")
        {
            json,
        }.Does((result, _) => Run(Output.Of(result), result.GetValue(json)));
    }

    private static int Run(Output output, bool json)
    {
        ListedModel[] models = [.. ModelCatalog.Names.Select(Describe)];
        if (json)
        {
            output.Json(new ModelListing(models, ArchitectureCatalog.Names), CliJson.Default.ModelListing);
            return 0;
        }

        if (models.Length == 0)
        {
            output.Line("No shipped models were found; set PARRY_MODELS to their folder.");
        }
        else
        {
            Table table = Output.Table("name", "architecture", "trained on", "images", ">test accuracy");
            foreach (ListedModel model in models)
            {
                string accuracy = model.TestAccuracy is { } share ? $"{share * 100:0.0} %" : "";
                table.AddCells(model.Name, model.Architecture, model.Data, model.Input, accuracy);
            }

            output.Render(table);
        }

        output.Line($"Architectures: {string.Join(", ", ArchitectureCatalog.Names)}");
        return 0;
    }

    private static ListedModel Describe(string name)
    {
        string file = ModelCatalog.Find(name);
        ModelDescription model = ModelFile.Describe(file);
        return new ListedModel(name, model.Architecture, model.Data, model.Shape.ToString(), model.TestAccuracy, file);
    }
}
