using Parry.Data.Files;

namespace Parry.Models.Onnx.Files;

/// <summary>
/// An input or output of a graph: its name, and its type and shape as far as the file says; -1 stands for an open size.
/// </summary>
internal sealed record OnnxPort(string Name, OnnxType Type, long[]? Shape);

/// <summary>
/// What an ONNX file holds, as it is stored. Files are untrusted: nothing is trusted that is not checked against the
/// bytes.
/// </summary>
internal sealed class OnnxFile
{
    private const int OldestOpset = 7;
    private const int NewestOpset = 25;
    private const int Proposed = 17;

    private OnnxFile(ArraySegment<byte> message, string? folder)
    {
        List<ProtoField> model = ProtoField.Read(message);
        foreach (ProtoField field in model.Where(field => field.Number == 8))
        {
            List<ProtoField> set = ProtoField.Read(field.Bytes);
            string domain = set.LastOrDefault(part => part.Number == 1).Text;
            Opsets[domain is "ai.onnx" ? "" : domain] = (int)
                Math.Clamp(set.LastOrDefault(part => part.Number == 2).Integer, 0, int.MaxValue);
        }

        foreach (ProtoField field in model.Where(field => field.Number == 14))
        {
            List<ProtoField> pair = ProtoField.Read(field.Bytes);
            Metadata[pair.LastOrDefault(part => part.Number == 1).Text] = pair.LastOrDefault(part =>
                part.Number == 2
            ).Text;
        }

        if (!model.Exists(field => field.Number == 7))
            throw new InvalidDataException("it contains no graph");
        if (Opset is < OldestOpset or > NewestOpset)
            throw new InvalidDataException(
                $"its opset is {Opset}; expected {OldestOpset} to {NewestOpset}: export it with "
                    + $"opset_version={Proposed}"
            );
        if (model.Exists(field => field.Number == 25))
            throw new InvalidDataException(
                "it defines its own functions: export it with functions inlined "
                    + "(onnx.inliner.inline_local_functions)"
            );
        foreach (ProtoField field in ProtoField.Read(model.Last(field => field.Number == 7).Bytes))
        {
            switch (field.Number)
            {
                case 1:
                    Nodes.Add(new OnnxNode(field.Bytes, OpsetOf, folder));
                    break;
                case 5:
                    Initializers.Add(new OnnxTensor(field.Bytes, folder));
                    break;
                case 11:
                    Inputs.Add(ReadPort(field.Bytes));
                    break;
                case 12:
                    Outputs.Add(ReadPort(field.Bytes));
                    break;
                case 15:
                    throw new InvalidDataException(
                        "it contains sparse constants, which are not supported: export it with dense weights"
                    );
            }
        }

        // Old files list constants with the inputs.
        var constants = Initializers.Select(constant => constant.Name).ToHashSet();
        Inputs.RemoveAll(input => constants.Contains(input.Name));
    }

    /// <summary>The version of ONNX's own operators.</summary>
    public int Opset => Opsets.GetValueOrDefault("", NewestOpset);

    /// <summary>The versions of operators, by domain.</summary>
    public Dictionary<string, int> Opsets { get; } = [];

    public Dictionary<string, string> Metadata { get; } = [];

    public List<OnnxNode> Nodes { get; } = [];

    public List<OnnxTensor> Initializers { get; } = [];

    /// <summary>The inputs without constants.</summary>
    public List<OnnxPort> Inputs { get; } = [];

    public List<OnnxPort> Outputs { get; } = [];

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">The file is not ONNX, or cannot be run; the message says why.</exception>
    public static OnnxFile Read(string path)
    {
        byte[] file = RegularFile.ReadBytes(path, Array.MaxLength);
        if (file.Length == 0)
            throw new InvalidDataException("the file is empty: copy or export it again");
        return new OnnxFile(file, Path.GetDirectoryName(Path.GetFullPath(path)));
    }

    /// <summary>Reads a file's bytes; external data is refused.</summary>
    public static OnnxFile Read(byte[] file) => new(file, null);

    private int OpsetOf(string domain) => domain is "" or "ai.onnx" ? Opset : Opsets.GetValueOrDefault(domain, 1);

    private static OnnxPort ReadPort(ArraySegment<byte> message)
    {
        List<ProtoField> port = ProtoField.Read(message);
        string name = port.LastOrDefault(field => field.Number == 1).Text;
        List<ProtoField> type = ProtoField.Read(port.LastOrDefault(field => field.Number == 2).Bytes);
        int tensor = type.FindLastIndex(field => field.Number == 1);
        if (tensor < 0)
            return new OnnxPort(name, OnnxType.Undefined, null);
        List<ProtoField> parts = ProtoField.Read(type[tensor].Bytes);
        int shape = parts.FindLastIndex(field => field.Number == 2);
        return new OnnxPort(
            name,
            (OnnxType)parts.LastOrDefault(field => field.Number == 1).Integer,
            shape < 0 ? null : [.. ReadSizes(parts[shape].Bytes)]
        );
    }

    private static IEnumerable<long> ReadSizes(ArraySegment<byte> message)
    {
        foreach (ProtoField size in ProtoField.Read(message).Where(field => field.Number == 1))
        {
            List<ProtoField> dimension = ProtoField.Read(size.Bytes);
            int value = dimension.FindLastIndex(field => field.Number == 1);
            yield return value >= 0 && dimension[value].Integer > 0 ? dimension[value].Integer : -1;
        }
    }
}
