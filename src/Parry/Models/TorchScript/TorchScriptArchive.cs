using System.IO.Compression;
using Parry.Data.Files;

namespace Parry.Models.TorchScript;

/// <summary>
/// Checks a TorchScript archive before LibTorch reads it, which trusts what an archive says.
/// </summary>
internal static class TorchScriptArchive
{
    private const long LargestCode = 64 << 20;

    /// <summary>
    /// Refuses a damaged or forged archive, and one whose code does more than compute.
    /// </summary>
    /// <param name="file">The archive, from its beginning.</param>
    /// <param name="recipe">How to make a file that can be read.</param>
    /// <returns>What the code says of the module's <c>forward</c>; null if it has none.</returns>
    /// <exception cref="InvalidDataException">The file is not a TorchScript archive, or one that LibTorch must not
    /// read.</exception>
    public static TorchScriptSignature? Check(Stream file, string recipe)
    {
        using var archive = new ZipArchive(file, ZipArchiveMode.Read);
        string[] names = [.. archive.Entries.Select(entry => entry.FullName)];
        if (Array.Exists(names, IsOfExport))
            throw new InvalidDataException(
                "it is an archive of torch.export, which cannot be differentiated here: export to ONNX, or as "
                    + $"TorchScript: {recipe}"
            );
        if (!Array.Exists(names, name => name.Contains("/code/", StringComparison.Ordinal)))
        {
            throw new InvalidDataException(
                Array.Exists(names, name => name.EndsWith(".pkl", StringComparison.Ordinal))
                    ? "it is a Python pickle (a state dictionary), which can run any program when it is read, and "
                        + $"contains no network: {recipe}"
                    : $"it is not a TorchScript archive: {recipe}"
            );
        }

        // LibTorch uses the folder of the first part for all, and ignores case in names.
        string root = names[0].Split('/')[0] + "/";
        var parts = new Dictionary<string, ZipArchiveEntry>(StringComparer.OrdinalIgnoreCase);
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            if (!parts.TryAdd(entry.FullName, entry))
                throw new InvalidDataException($"it has two parts {entry.FullName}");
            if (entry.Length > Math.Max(entry.CompressedLength, LargestCode))
                throw new InvalidDataException(
                    $"its part {entry.FullName} unpacks to {entry.Length} bytes; at most {LargestCode} of "
                        + "code were expected"
                );
            using Stream part = entry.Open();
            if (Crc32.Of(part) != entry.Crc32)
                throw new InvalidDataException(
                    $"its part {entry.FullName} is damaged (its checksum is wrong): copy the file again"
                );
        }

        if (parts.ContainsKey(root + "model.json"))
            throw new InvalidDataException($"it was written by a PyTorch before 1.2: {recipe}");
        var classes = new TorchScriptClasses();
        foreach ((string name, ZipArchiveEntry part) in parts)
        {
            if (
                name.StartsWith(root + "code/", StringComparison.OrdinalIgnoreCase)
                && name.EndsWith(".debug_pkl", StringComparison.OrdinalIgnoreCase)
            )
                Read(part, _ => null, TorchScriptSources.Check);
            if (
                name.StartsWith(root + "code/", StringComparison.OrdinalIgnoreCase)
                && name.EndsWith(".py", StringComparison.OrdinalIgnoreCase)
            )
                classes.Add(name[(root.Length + 5)..^3].Replace('/', '.'), Bytes(part));
        }

        classes.CheckCode();

        TorchScriptSignature? forward = null;
        foreach (string pickle in new[] { "constants", "data" })
        {
            if (!parts.TryGetValue($"{root}{pickle}.pkl", out ZipArchiveEntry? part))
                throw new InvalidDataException($"it has no part {root}{pickle}.pkl: {recipe}");
            Read(
                part,
                key => parts.TryGetValue($"{root}{pickle}/{key}", out ZipArchiveEntry? record) ? record.Length : null,
                value =>
                {
                    if (value.Kind != (pickle == "data" ? TorchScriptKind.Object : TorchScriptKind.Tuple))
                        throw new InvalidDataException(pickle == "data" ? "it is not a module" : "it is not a tuple");
                    classes.Check(value);
                    if (pickle == "data")
                        forward = classes.Forward(value.Text);
                }
            );
        }

        return forward;
    }

    // The parts that torch.export.save and torch.export's packages write.
    private static bool IsOfExport(string name) =>
        name.EndsWith("archive_format", StringComparison.Ordinal)
        || name.EndsWith("serialized_exported_program.json", StringComparison.Ordinal)
        || name.Contains("models/model.json", StringComparison.Ordinal)
        || name.Contains("data/weights/", StringComparison.Ordinal);

    private static void Read(ZipArchiveEntry part, Func<string, long?> record, Action<TorchScriptValue> check)
    {
        try
        {
            check(TorchScriptPickle.Read(Bytes(part), record));
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"its part {part.FullName} is damaged: {e.Message}", e);
        }
    }

    private static byte[] Bytes(ZipArchiveEntry part)
    {
        if (part.Length > LargestCode)
            throw new InvalidDataException(
                $"its part {part.FullName} has {part.Length} bytes; at most {LargestCode} were expected"
            );
        var bytes = new byte[part.Length];
        using Stream stream = part.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }
}
