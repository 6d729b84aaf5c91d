namespace Parry.Models.TorchScript;

/// <summary>
/// The part of an archive that maps its code to lines of the original program. LibTorch reads it to compose an error
/// message, and trusts its numbers.
/// </summary>
internal static class TorchScriptSources
{
    private const long Longest = 64 << 20;

    /// <summary>Refuses numbers that LibTorch would follow out of bounds.</summary>
    /// <param name="root">The pickle's value: lines of (place in the code, (source, start, end), ...) with sources
    /// (text, file, line), or such lines behind a mark and a table of texts.</param>
    /// <exception cref="InvalidDataException">The value has another form.</exception>
    public static void Check(TorchScriptValue root)
    {
        TorchScriptValue? table = null;
        TorchScriptValue lines = root;
        if (HasTable(root))
        {
            if (root.Items.Count != 3 || !IsTable(root.Items[1]))
                throw Wrong();
            table = root.Items[1];
            lines = root.Items[2];
        }

        if (lines.Kind != TorchScriptKind.Tuple)
            throw Wrong();
        var lengths = new Dictionary<TorchScriptValue, long>(ReferenceEqualityComparer.Instance);
        foreach (TorchScriptValue line in lines.Items)
        {
            var (source, start, end) = Range(line);
            if (!lengths.TryGetValue(source, out long length))
            {
                length = Length(source, table);
                lengths.Add(source, length);
            }

            // LibTorch clips the end, which it sometimes writes past the last character, but not the start.
            if (start < 0 || start > Math.Min(end, length))
                throw Wrong();
        }
    }

    private static bool HasTable(TorchScriptValue root) =>
        root.Kind == TorchScriptKind.Tuple
        && root.Items is [{ Kind: TorchScriptKind.String, Text: "FORMAT_WITH_STRING_TABLE" }, ..];

    private static bool IsTable(TorchScriptValue texts) =>
        texts is { Kind: TorchScriptKind.Tuple, Items.Count: > 0 }
        && texts.Items.All(text => text.Kind == TorchScriptKind.String);

    // A line is (place in the code, (source, start, end), ...).
    private static (TorchScriptValue Source, long Start, long End) Range(TorchScriptValue line)
    {
        if (line.Kind != TorchScriptKind.Tuple || line.Items is not [{ Kind: TorchScriptKind.Int }, var range, ..])
            throw Wrong();
        if (range.Kind != TorchScriptKind.Tuple || range.Items.Count != 3)
            throw Wrong();
        if (range.Items[1].Kind != TorchScriptKind.Int || range.Items[2].Kind != TorchScriptKind.Int)
            throw Wrong();
        return (range.Items[0], range.Items[1].Number, range.Items[2].Number);
    }

    private static long Length(TorchScriptValue source, TorchScriptValue? table)
    {
        if (source.Kind != TorchScriptKind.Tuple || source.Items.Count != 3)
            throw Wrong();
        TorchScriptValue text = source.Items[0];
        TorchScriptValue file = source.Items[1];
        if (source.Items[2] is not { Kind: TorchScriptKind.Int, Number: >= 0 })
            throw Wrong();
        if (table is null)
            return text.Kind == TorchScriptKind.String && file.Kind is TorchScriptKind.None or TorchScriptKind.String
                ? text.Number
                : throw Wrong();
        if (text is not { Kind: TorchScriptKind.List, Text: "build_intlist" } || file.Kind != TorchScriptKind.Int)
            throw Wrong();
        if (text.Items.Append(file).Any(item => item.Number < 0 || item.Number >= table.Items.Count))
            throw Wrong();
        long length = text.Items.Sum(item => table.Items[(int)item.Number].Number);
        return length <= Longest ? length : throw Wrong();
    }

    private static InvalidDataException Wrong() => new("it is not a table of source lines");
}
