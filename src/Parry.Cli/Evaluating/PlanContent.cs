using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Parry.Catalogs;
using Parry.Data;
using Parry.Data.Files;
using Parry.Models;

namespace Parry.Cli.Evaluating;

/// <summary>
/// All that decides the numbers of an evaluation, with names for messages: settings with their defaults, and hashes of
/// files and images. What belongs to one attack or defense is named after it, so that a plan may be extended.
/// </summary>
internal sealed class PlanContent
{
    private const long MostBytes = 1L << 33;
    private const int HashLength = 16;

    private static readonly JsonSerializerOptions s_json = new() { IncludeFields = true };

    private readonly SortedDictionary<string, string> _entries = new(StringComparer.Ordinal)
    {
        ["version of Parry"] = typeof(Evaluation.Evaluator).Assembly.GetName().Version!.ToString(3),
    };

    /// <summary>The entries by name.</summary>
    public IReadOnlyDictionary<string, string> Entries => _entries;

    /// <summary>Adds an entry.</summary>
    public void Add(string name, object? value) =>
        _entries[name] = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "none";

    /// <summary>Adds a model with what is known of it.</summary>
    public void AddModel(ModelRequest model) => AddModel("model", model);

    /// <summary>Adds a model under a name.</summary>
    public void AddModel(string name, ModelRequest model)
    {
        string file = model.Http is null ? $", {HashOf(ModelCatalog.Find(model.Name))}" : "";
        string settings = JsonSerializer.Serialize(model.Contract, s_json);
        Add(name, $"{model.Name}{file}, {settings}");
    }

    /// <summary>Adds images with their labels.</summary>
    public void AddImages(string name, ImageSet images)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(images.Pixels);
        hash.AppendData(MemoryMarshal.AsBytes(images.Labels));
        Add(name, $"{images.Count} of {images.Name}, {Short(hash.GetHashAndReset())}");
    }

    /// <summary>Adds an attack.</summary>
    /// <param name="name">Its name in the report.</param>
    /// <param name="attack">The attack.</param>
    public void AddAttack(string name, AttackSpec attack)
    {
        IEnumerable<string> files = attack
            .Text.Split(',', ':', '=')
            .Where(File.Exists)
            .Select(file => $", {HashOf(file)}");
        Add($"attack {name}", attack.Text + string.Concat(files));
    }

    /// <summary>Adds a defense.</summary>
    /// <param name="name">Its name in the report.</param>
    /// <param name="text">As it was asked for.</param>
    /// <param name="files">The files that it loads.</param>
    public void AddDefense(string name, string text, IEnumerable<string> files) =>
        Add($"defense {name}", text + string.Concat(files.Select(file => $", {HashOf(file)}")));

    private static string HashOf(string path)
    {
        using FileStream stream = RegularFile.Open(path, MostBytes);
        return Short(SHA256.HashData(stream));
    }

    private static string Short(byte[] hash) => Convert.ToHexStringLower(hash)[..HashLength];
}
