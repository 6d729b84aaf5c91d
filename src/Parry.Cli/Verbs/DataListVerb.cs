using System.CommandLine;
using Parry.Data;
using Spectre.Console;

namespace Parry.Cli.Verbs;

/// <summary><c>parry data list</c>: the known data sets and where they were found.</summary>
internal static class DataListVerb
{
    /// <summary>What <c>--json</c> writes.</summary>
    internal sealed record DataListing(IReadOnlyList<ListedData> DataSets);

    /// <summary>One data set; a part that was not found is null.</summary>
    internal sealed record ListedData(
        string Name,
        string Title,
        string Shape,
        int Classes,
        string? Train,
        string? Test,
        string License,
        string Citation
    );

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Option<bool> json = Arguments.Json();
        Option<string?> dataDir = Arguments.DataDir();
        return new Command("list", "List the known data sets and where they were found.") { dataDir, json }.Does(
            (result, _) => Run(Output.Of(result), result.GetValue(dataDir), result.GetValue(json))
        );
    }

    private static int Run(Output output, string? dataDir, bool json)
    {
        if (dataDir is not null && !Directory.Exists(dataDir))
            throw new UserErrorException($"expected an existing data folder, got {dataDir}: give one that exists");
        ListedData[] entries =
        [
            .. DataSets.All.Select(set => new ListedData(
                set.Name,
                set.Title,
                set.Shape.ToString(),
                set.ClassNames.Count,
                DataLocator.Where(set, DataPart.Train, dataDir),
                DataLocator.Where(set, DataPart.Test, dataDir),
                set.License,
                set.Citation
            )),
        ];
        if (json)
        {
            output.Json(new DataListing(entries), CliJson.Default.DataListing);
            return 0;
        }

        Table table = Output.Table("name", "images", ">classes", "found in", "license");
        foreach (ListedData entry in entries)
            table.AddCells(entry.Name, entry.Shape, $"{entry.Classes}", Place(entry), entry.License);
        output.Render(table);
        foreach (ListedData missing in entries.Where(entry => entry is { Train: null, Test: null }))
            output.Line($"To get {missing.Title}, {DataSets.ByName(missing.Name).HowToGet}.");
        return 0;
    }

    private static string Place(ListedData entry) =>
        (entry.Train, entry.Test) switch
        {
            (null, null) => "not found",
            (null, var test) => $"{test} (test images only)",
            (var train, null) => $"{train} (training images only)",
            var (train, test) => train == test ? test : $"{train} (training), {test} (test)",
        };
}
