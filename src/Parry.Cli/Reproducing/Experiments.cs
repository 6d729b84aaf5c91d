using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Parry.Cli.Reproducing.Figures;

namespace Parry.Cli.Reproducing;

/// <summary>The experiments that ship: the tables of the source documents, and the commands that make them.</summary>
internal static class Experiments
{
    private const string Prefix = "Parry.Experiments.";
    private const string Suffix = ".json";
    private const string CommandsName = "commands";

    private static readonly Lazy<SortedDictionary<string, Experiment>> s_all = new(() =>
        new SortedDictionary<string, Experiment>(Names().ToDictionary(name => name, ReadTable), StringComparer.Ordinal)
    );

    /// <summary>All tables by name, in order.</summary>
    public static IReadOnlyDictionary<string, Experiment> All => s_all.Value;

    /// <summary>Finds a table.</summary>
    /// <exception cref="UserErrorException">There is none of this name.</exception>
    public static Experiment ByName(string name) =>
        All.GetValueOrDefault(name)
        ?? throw new UserErrorException($"expected one of the tables {string.Join(", ", All.Keys)}, got \"{name}\"");

    /// <summary>What an experiment needs to be made: for its numbers, then for its figures.</summary>
    /// <param name="experiment">The experiment.</param>
    /// <param name="settings">The settings of the mode.</param>
    /// <param name="gpu">Whether what only a GPU makes is needed too.</param>
    public static IEnumerable<string> Targets(
        Experiment experiment,
        IReadOnlyDictionary<string, string> settings,
        bool gpu = true
    ) => NumberReader.Targets(experiment, settings, gpu).Concat(FigureReader.Targets(experiment));

    /// <summary>The commands of all tables.</summary>
    public static CommandFile Commands() => ExperimentJson.Read<CommandFile>(Resource(CommandsName));

    private static IEnumerable<string> Names() =>
        typeof(Experiments)
            .Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^Suffix.Length])
            .Where(name => name != CommandsName);

    private static Experiment ReadTable(string name) => ExperimentJson.Read<Experiment>(Resource(name));

    private static string Resource(string name)
    {
        using Stream stream = typeof(Experiments).Assembly.GetManifestResourceStream(Prefix + name + Suffix)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

/// <summary>JSON of experiments and results; names in snake_case.</summary>
internal static class ExperimentJson
{
    // By reflection: generated code does not keep the defaults of init-only properties.
    private static readonly JsonSerializerOptions s_options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        IgnoreReadOnlyProperties = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>Reads a document.</summary>
    /// <exception cref="JsonException">It is damaged.</exception>
    public static T Read<T>(string text) =>
        JsonSerializer.Deserialize<T>(text, s_options) ?? throw new JsonException("it is null");

    /// <summary>Writes a document.</summary>
    public static string Write<T>(T value) => JsonSerializer.Serialize(value, s_options) + "\n";
}
