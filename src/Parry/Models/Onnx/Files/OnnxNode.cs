namespace Parry.Models.Onnx.Files;

/// <summary>A node of a graph: an operator, the names of its inputs and outputs, and its attributes.</summary>
internal sealed class OnnxNode
{
    private readonly Dictionary<string, List<ProtoField>> _attributes = [];
    private readonly string? _folder;

    /// <summary>Reads a NodeProto.</summary>
    /// <param name="message">The message.</param>
    /// <param name="opsetOf">Returns the version of a domain's operators.</param>
    /// <param name="folder">The model's folder, which must contain external data.</param>
    public OnnxNode(ArraySegment<byte> message, Func<string, int> opsetOf, string? folder)
    {
        _folder = folder;
        var (inputs, outputs) = (new List<string>(), new List<string>());
        foreach (ProtoField field in ProtoField.Read(message))
        {
            switch (field.Number)
            {
                case 1:
                    inputs.Add(field.Text);
                    break;
                case 2:
                    outputs.Add(field.Text);
                    break;
                case 3:
                    Name = field.Text;
                    break;
                case 4:
                    Operator = field.Text;
                    break;
                case 7:
                    Domain = field.Text;
                    break;
                case 5:
                    List<ProtoField> attribute = ProtoField.Read(field.Bytes);
                    _attributes[attribute.LastOrDefault(part => part.Number == 1).Text] = attribute;
                    break;
            }
        }

        (Inputs, Outputs, Opset) = ([.. inputs], [.. outputs], opsetOf(Domain));
    }

    /// <summary>Makes a node from another one with other inputs and outputs, for folding.</summary>
    public OnnxNode(OnnxNode like, string[] inputs, string[] outputs)
    {
        (Name, Operator, Domain, Opset, _folder, _attributes) = (
            like.Name,
            like.Operator,
            like.Domain,
            like.Opset,
            like._folder,
            like._attributes
        );
        (Inputs, Outputs) = (inputs, outputs);
    }

    public string Name { get; } = "";

    /// <summary>The operator's name.</summary>
    public string Operator { get; } = "";

    /// <summary>The domain of the operator; empty for ONNX's own.</summary>
    public string Domain { get; } = "";

    /// <summary>The version of the operator's set.</summary>
    public int Opset { get; }

    /// <summary>The names of its inputs; an empty name is an omitted one.</summary>
    public string[] Inputs { get; }

    /// <summary>The names of its outputs.</summary>
    public string[] Outputs { get; }

    /// <summary>The operator and the name, for messages.</summary>
    public override string ToString() =>
        Name.Length > 0 ? $"{Kind} \"{Name}\"" : $"{Kind} that gives \"{Outputs.FirstOrDefault()}\"";

    /// <summary>The operator with its domain, unless it is ONNX's own.</summary>
    public string Kind => Domain is "" or "ai.onnx" ? Operator : $"{Domain}.{Operator}";

    public bool Has(string attribute) => _attributes.ContainsKey(attribute);

    public long Int(string attribute, long ordinary) => Last(attribute, 3) is { } field ? field.Integer : ordinary;

    /// <summary>An integer attribute within a range.</summary>
    /// <exception cref="InvalidDataException">It is outside.</exception>
    public long Int(string attribute, long ordinary, long least, long most) =>
        Int(attribute, ordinary) is var value && value >= least && value <= most
            ? value
            : throw Refused($"has {attribute} {value}; expected {least} to {most}");

    /// <summary>An axis, which may count from the end.</summary>
    /// <exception cref="InvalidDataException">No tensor has so many dimensions.</exception>
    public long Axis(long ordinary) => Int("axis", ordinary, -OnnxTensor.LargestRank, OnnxTensor.LargestRank);

    public bool Flag(string attribute) => Int(attribute, 0) != 0;

    public double Float(string attribute, double ordinary) => Last(attribute, 2) is { } field ? field.Single : ordinary;

    public string Text(string attribute, string ordinary = "") =>
        Last(attribute, 4) is { } field ? field.Text : ordinary;

    public long[]? Ints(string attribute)
    {
        if (!Has(attribute))
            return null;
        var list = new List<long>();
        foreach (ProtoField field in _attributes[attribute].Where(field => field.Number == 8))
            field.AddIntegers(list);
        return [.. list];
    }

    public float[]? Floats(string attribute)
    {
        if (!Has(attribute))
            return null;
        var list = new List<float>();
        foreach (ProtoField field in _attributes[attribute].Where(field => field.Number == 7))
            field.AddNumbers(list);
        return [.. list];
    }

    /// <summary>Returns a tensor attribute, which the caller owns; null if it is missing.</summary>
    public OnnxTensor? Tensor(string attribute) =>
        Last(attribute, 5) is { } field ? new OnnxTensor(field.Bytes, _folder) : null;

    /// <summary>Makes the exception for a node that cannot be used.</summary>
    public InvalidDataException Refused(string why) => new($"the node {this} {why}");

    private ProtoField? Last(string attribute, int number)
    {
        if (!_attributes.TryGetValue(attribute, out List<ProtoField>? fields))
            return null;
        int index = fields.FindLastIndex(field => field.Number == number);

        // Messages may omit a number that is 0.
        return index >= 0 ? fields[index]
            : number is 2 or 3 ? new ProtoField(number, 0, default)
            : null;
    }
}
