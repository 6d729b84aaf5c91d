using System.Runtime.InteropServices;
using Parry.Data;
using Parry.Models;
using Parry.Runtime;

namespace Parry.Cli.Doctor;

/// <summary>Checks of the machine and of what Parry finds on it.</summary>
internal static class SystemChecks
{
    private const double EnoughGibibytes = 2;

    /// <summary>.NET, cores, memory.</summary>
    public static IEnumerable<Check> Machine()
    {
        yield return Check.Ok(".NET", $"{Environment.Version}, {RuntimeInformation.RuntimeIdentifier}");
        yield return Check.Ok("cores", $"{Workers.PhysicalCores} physical, one worker each");
        double memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30);
        yield return Check.Warn(
            "memory",
            $"{memory:0.0} GiB",
            memory < EnoughGibibytes ? "Parry's demo takes up to 2 GiB: free some, or use smaller counts" : null
        );
    }

    /// <summary>Data sets, models, the cache folder.</summary>
    public static IEnumerable<Check> Files()
    {
        foreach (DataSet set in DataSets.All.OfType<DataSet>())
            yield return Data(set);
        yield return Models();
        yield return Cache();
    }

    private static Check Data(DataSet set)
    {
        try
        {
            string test = DataLocator.Find(set, DataPart.Test);
            string train = DataLocator.Find(set, DataPart.Train);
            return Check.Ok(set.Title, test == train ? test : $"{test}, {train}");
        }
        catch (UserErrorException)
        {
            return Check.Missing(set.Title, "not found", $"if you want it: parry data fetch {set.Name}");
        }
    }

    private static Check Models()
    {
        const string Name = "models that ship";
        try
        {
            return ModelCatalog.Names is { Count: > 0 } names
                ? Check.Ok(Name, string.Join(", ", names))
                : Check.Missing(Name, "none found", "set PARRY_MODELS to the folder models of Parry's repository");
        }
        catch (UserErrorException e)
        {
            return Check.Missing(Name, "none found", e.Message);
        }
    }

    private static Check Cache()
    {
        string folder = Path.GetDirectoryName(DataLocator.CacheFolder(DataSets.Mnist))!;
        string existing = folder;
        while (!Directory.Exists(existing))
            existing = Path.GetDirectoryName(existing)!;
        try
        {
            string probe = Path.Combine(existing, $".parry-{Path.GetRandomFileName()}.tmp");
            using var file = new FileStream(
                probe,
                FileMode.CreateNew,
                FileAccess.Write,
                FileShare.None,
                1,
                FileOptions.DeleteOnClose
            );
            return Check.Ok("download folder", folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Check(
                "download folder",
                CheckStatus.Warning,
                $"{folder} is not writable",
                "set XDG_CACHE_HOME to a folder you may write to, or give parry data fetch a --data-dir"
            );
        }
    }
}
