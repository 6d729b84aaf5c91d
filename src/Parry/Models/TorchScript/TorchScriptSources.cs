namespace Parry.Models.TorchScript;

/// <summary>
/// The part of an archive that says what lines of the original program its code came from. LibTorch reads it when it
/// words an error, and believes its numbers.
/// </summary>
internal static class TorchScriptSources
{
    private const long Longest = 64 << 20;

    /// <summary>Refuses what LibTorch would follow out of bounds.</summary>
    /// <param name="root">The pickle's value: lines of (place in the code, (source, start, end), ...) with sources
    /// (text, file, line), or such lines behind a mark and a table of texts.</param>
    /// <exception cref="InvalidDataException">It is something else.</exception>
    public static void Check(TorchScriptValue root)
    {
        TorchScriptValue? table = null,
            lines = root;
        if (
            root is
            {
                Kind: TorchScriptKind.Tuple,
                Items: [{ Kind: TorchScriptKind.String, Text: "FORMAT_WITH_STRING_TABLE" }, ..]
            }
        )
        {
            if (
                root.Items.Count != 3
                || root.Items[1] is not { Kind: TorchScriptKind.Tuple, Items.Count: > 0 }
                || root.Items[1].Items.Any(text => text.Kind != TorchScriptKind.String)
            )
                throw Wrong();
            (table, lines) = (root.Items[1], root.Items[2]);
        }

        var lengths = new Dictionary<TorchScriptValue, long>(ReferenceEqualityComparer.Instance);
        if (lines.Kind != TorchScriptKind.Tuple)
            throw Wrong();
        foreach (TorchScriptValue line in lines.Items)
        {
            if (
                line
                is not {
                    Kind: TorchScriptKind.Tuple,
                    Items: [
                        { Kind: TorchScriptKind.Int },
                        {
                            Kind: TorchScriptKind.Tuple,
                            Items: [var source, { Kind: TorchScriptKind.Int } start, { Kind: TorchScriptKind.Int } end]
                        },
                        ..,
                    ]
                }
            )
                throw Wrong();
            if (!lengths.TryGetValue(source, out long length))
                lengths.Add(source, length = Length(source, table));
            // LibTorch cuts the end, which its writer puts past the last character at times, but not the start.
            if (start.Number < 0 || start.Number > Math.Min(end.Number, length))
                throw Wrong();
        }
    }

    private static long Length(TorchScriptValue source, TorchScriptValue? table)
    {
        if (
            source
            is not {
                Kind: TorchScriptKind.Tuple,
                Items: [var text, var file, { Kind: TorchScriptKind.Int, Number: >= 0 }]
            }
        )
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

    private static InvalidDataException Wrong() => new("it is no table of the lines that code came from");
}
