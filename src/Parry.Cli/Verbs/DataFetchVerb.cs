using System.CommandLine;
using Parry.Data;
using Parry.Data.Published;

namespace Parry.Cli.Verbs;

/// <summary><c>parry data fetch</c>: downloads a data set, checked before use.</summary>
internal static class DataFetchVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var name = new Argument<string>("NAME")
        {
            Description = $"The data set: {Arguments.OneOf(DataSets.All.OfType<DataSet>().Select(set => set.Name))}.",
        };
        var dataDir = new Option<string?>("--data-dir")
        {
            Description = "The folder to download into (default: the user's cache).",
            HelpName = "DIR",
        };
        var command = new Command("fetch", "Download a data set; every file is checked before it is used.")
        {
            name,
            dataDir,
        };
        command.SetAction(
            (result, cancellation) =>
                RunAsync(result, Named(result.GetRequiredValue(name)), result.GetValue(dataDir), cancellation)
        );
        return command;
    }

    private static async Task<int> RunAsync(
        ParseResult result,
        DataSet set,
        string? dataDir,
        CancellationToken cancellation
    )
    {
        Output output = Output.Of(result);
        if (dataDir is null && Complete(set) is { } place)
        {
            output.Line($"{set.Title} is complete in {place}.");
            return 0;
        }

        string folder = dataDir is null ? DataLocator.CacheFolder(set) : Path.Combine(dataDir, set.Name);
        using var client = new HttpClient();
        using ProgressLine progress = ProgressLine.Of(result);
        int files = await DataFetcher.FetchAsync(set, folder, client, new FileProgress(progress), cancellation);
        output.Line(
            files == 0
                ? $"{set.Title} is complete in {folder}."
                : $"{set.Title} is in {folder}. License: {set.License}."
        );
        return 0;
    }

    private static DataSet Named(string name) =>
        DataSets.ByName(name) switch
        {
            DataSet set => set,
            var other => throw new UserErrorException(
                $"{other.Title} cannot be downloaded automatically: {other.HowToGet}"
            ),
        };

    // A folder with a damaged file does not count as complete; fetching repairs it.
    private static string? Complete(DataSet set)
    {
        try
        {
            string folder = DataLocator.Find(set, DataPart.Train);
            return set.Files.All(file => file.IsIn(folder)) ? folder : null;
        }
        catch (UserErrorException)
        {
            return null;
        }
    }

    // Progress<T> would report on other threads, after the line is erased.
    private sealed class FileProgress(ProgressLine line) : IProgress<FetchProgress>
    {
        public void Report(FetchProgress value) =>
            line.Show(() => $"{value.File}: {value.Bytes >> 10:N0} of {value.Total >> 10:N0} KiB");
    }
}
