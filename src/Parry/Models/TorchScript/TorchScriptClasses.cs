using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Parry.Models.TorchScript;

/// <summary>
/// The classes that an archive's code declares, as far as values depend on them: LibTorch stores the values of a pickle
/// in the slots of a class unchecked, and code compiled for the class then accesses these slots by number.
/// </summary>
internal sealed class TorchScriptClasses
{
    private static readonly string[] s_native =
    [
        "LinearPackedParamsBase",
        "Conv2dPackedParamsBase",
        "Conv3dPackedParamsBase",
        "EmbeddingPackedParamsBase",
    ];

    private static readonly string[] s_types =
    [
        "Any",
        "Device",
        "Dict",
        "Final",
        "Future",
        "Generator",
        "Layout",
        "List",
        "MemoryFormat",
        "NoneType",
        "None",
        "Optional",
        "QScheme",
        "RRef",
        "Scalar",
        "ScalarType",
        "Storage",
        "Stream",
        "Tensor",
        "Tuple",
        "Union",
        "bool",
        "complex",
        "float",
        "int",
        "number",
        "str",
    ];

    // The types that LibTorch 2.10 checks before it reads a slot.
    private static readonly string[] s_asked =
    [
        "Device",
        "Layout",
        "MemoryFormat",
        "QScheme",
        "Scalar",
        "ScalarType",
        "bool",
        "complex",
        "float",
        "int",
        "number",
        "str",
    ];

    // LibTorch runs code with the rights of the program, and these functions access files.
    private static readonly Regex s_files = new(
        @"\bfrom_file\b|\bsave\b(?!\s*:)",
        RegexOptions.CultureInvariant,
        TimeSpan.FromSeconds(1)
    );

    private readonly Dictionary<string, Declaration> _classes = new(StringComparer.Ordinal);

    /// <summary>Reads the declarations of one file of code.</summary>
    /// <param name="module">The prefix of its classes' names.</param>
    /// <param name="code">The file in the form that LibTorch writes, with members indented by two columns.</param>
    /// <exception cref="InvalidDataException">A class is declared in another form.</exception>
    public void Add(string module, byte[] code)
    {
        Declaration? current = null;
        bool method = false;
        List<int> lengths = [0];
        foreach (string line in Encoding.Latin1.GetString(code).Split('\n').Where(line => line.Length > 0))
        {
            TorchScriptCode.Check(line, lengths);
            if (s_files.Match(line) is { Success: true } call)
                throw new InvalidDataException(
                    $"its code accesses files (\"{call.Value}\"), which no classifier needs"
                );
            int indent = line.Length - line.TrimStart(' ').Length;
            if (indent == 0)
            {
                string[] head = line.StartsWith("class ", StringComparison.Ordinal)
                    ? line[6..].TrimEnd(':').Split('(', ')')
                    : [];
                current = head.Length == 0 ? null : new Declaration(head.Length > 1 ? head[1] : "", []);
                method = false;
                if (current is not null && !_classes.TryAdd($"{module}.{head[0]}", current))
                    throw new InvalidDataException($"its code declares {Excerpt.Of(head[0])} twice");
            }
            else if (current is not null && indent == 2 && line.StartsWith("  def ", StringComparison.Ordinal))
            {
                method = true;
                current.SetsState |= line.StartsWith("  def __setstate__(", StringComparison.Ordinal);
            }
            else if (current is not null && indent == 2)
            {
                current.Add(line[2..]);
            }
            else if (current is not null && (!method || indent < 4))
            {
                throw Declaration.Unlike(line);
            }
        }
    }

    /// <summary>Refuses members whose types are not declared, after all files are read.</summary>
    /// <exception cref="InvalidDataException">A type is not declared.</exception>
    public void CheckNames()
    {
        foreach (Declaration type in _classes.Values)
        {
            foreach ((_, string member) in type.Members)
                CheckNames(TorchScriptType.Parse(member));
        }
    }

    private void CheckNames(TorchScriptType type)
    {
        bool known = s_types.Contains(type.Name) || _classes.ContainsKey(type.Name) || IsNative(type.Name);
        if (!known)
            throw new InvalidDataException($"its code names a type {Excerpt.Of(type.Name)}, which is unknown");
        foreach (TorchScriptType part in type.Parts)
            CheckNames(part);
    }

    /// <summary>Refuses values that do not fit the declarations.</summary>
    /// <exception cref="InvalidDataException">A value is of another type than its slot, or of an unknown
    /// class.</exception>
    public void Check(TorchScriptValue root)
    {
        var seen = new HashSet<TorchScriptValue>(ReferenceEqualityComparer.Instance) { root };
        var left = new Stack<TorchScriptValue>(seen);
        while (left.TryPop(out TorchScriptValue? value))
        {
            if (value.Kind == TorchScriptKind.Object)
                CheckObject(value);
            if (
                value.Kind is TorchScriptKind.List or TorchScriptKind.Dict
                && value.Text.Contains('[')
                && !Holds(TorchScriptType.Parse(value.Text), value)
            )
                throw new InvalidDataException($"its values are not of type {value.Text}");
            foreach (TorchScriptValue item in value.Items.Where(seen.Add))
                left.Push(item);
        }
    }

    private void CheckObject(TorchScriptValue value)
    {
        TorchScriptValue state = value.Items[0];
        if (IsNative(value.Text))
            return;
        if (!_classes.TryGetValue(value.Text, out Declaration? type))
            throw new InvalidDataException($"its code does not declare the class {value.Text}");
        if (type.Base == "Enum")
            return;
        if (type.Base is not ("" or "Module"))
            throw new InvalidDataException($"an object is made of {value.Text}, which is not a class");
        if (type.SetsState)
            return;
        if (state.Kind != TorchScriptKind.Dict)
            throw new InvalidDataException($"an object of {value.Text} has no dictionary of its members");
        var members = new Dictionary<string, TorchScriptValue>(StringComparer.Ordinal);
        for (int i = 0; i < state.Items.Count; i += 2)
        {
            if (
                state.Items[i].Kind != TorchScriptKind.String
                || !members.TryAdd(state.Items[i].Text, state.Items[i + 1])
            )
                throw new InvalidDataException($"an object of {value.Text} has a member without a name, or twice");
        }

        foreach ((string name, string member) in type.Members)
        {
            if (!members.TryGetValue(name, out TorchScriptValue? held) || !Holds(TorchScriptType.Parse(member), held))
                throw new InvalidDataException(
                    $"the member {Excerpt.Of(name)} of {value.Text} is not of type {Excerpt.Of(member)}"
                );
        }
    }

    // None is allowed everywhere: LibTorch checks for it before it reads a slot, but does not check the class of an
    // object.
    private bool Holds(TorchScriptType type, TorchScriptValue value) =>
        value.Kind == TorchScriptKind.None
        || type.Name switch
        {
            "Any" => true,
            var name when s_asked.Contains(name) => true,
            "Tensor" => value.Kind == TorchScriptKind.Tensor,
            "Optional" or "Union" => type.Parts.Any(part => Holds(part, value)),
            "List" => value.Kind == TorchScriptKind.List && value.Items.All(item => Holds(type.Parts[0], item)),
            "Dict" => value.Kind == TorchScriptKind.Dict
                && value.Items.Select((item, i) => Holds(type.Parts[i % 2], item)).All(fits => fits),
            "Tuple" => value.Kind == TorchScriptKind.Tuple
                && value.Items.Count == type.Parts.Count
                && value.Items.Zip(type.Parts).All(pair => Holds(pair.Second, pair.First)),
            var name when IsNative(name) => value.Kind == TorchScriptKind.Object && value.Text == name,
            var name when _classes.TryGetValue(name, out Declaration? declared) => declared.Base switch
            {
                "NamedTuple" => value.Kind == TorchScriptKind.Tuple
                    && value.Items.Count == declared.Members.Count
                    && value
                        .Items.Zip(declared.Members)
                        .All(pair => Holds(TorchScriptType.Parse(pair.Second.Type), pair.First)),
                "Interface" or "ModuleInterface" => value.Kind == TorchScriptKind.Object,
                _ => value.Kind == TorchScriptKind.Object && value.Text == name,
            },
            _ => false,
        };

    private static bool IsNative(string name) =>
        name.StartsWith("__torch__.torch.classes.quantized.", StringComparison.Ordinal)
        && s_native.Contains(name[34..]);

    private sealed record Declaration(string Base, List<(string Name, string Type)> Members)
    {
        public bool SetsState { get; set; }

        public static InvalidDataException Unlike(string line) =>
            new($"its code declares a class in a form that LibTorch does not write (\"{Excerpt.Of(line.Trim())}\")");

        // A member with a value is a constant, except in tuples, where the value is its default, and in enumerations,
        // which have nothing else.
        public void Add(string line)
        {
            string[] sides = line.Split(" = ", 2);
            string[] named = sides[0].Split(" : ", 2);
            (string left, string right, bool assigned) = (sides[0], sides[^1], sides.Length == 2);
            string? type = named.Length == 2 && IsName(named[0]) ? named[1] : null;
            if (type is not null)
                _ = TorchScriptType.Parse(type);
            switch (Base)
            {
                case "Enum"
                    when assigned
                        && IsName(left)
                        && (long.TryParse(right, CultureInfo.InvariantCulture, out _) || right.StartsWith('"')):
                    break;
                case "NamedTuple" when type is not null:
                    Members.Add((named[0], type));
                    break;
                case "" or "Module" when type is not null && !assigned:
                    Members.Add((named[0], type));
                    break;
                case "" or "Module" when type is not null && type.StartsWith("Final[", StringComparison.Ordinal):
                    break;
                case ""
                or "Module"
                    when assigned
                        && left.StartsWith("__annotations__[\"", StringComparison.Ordinal)
                        && left.EndsWith("\"]", StringComparison.Ordinal):
                    _ = TorchScriptType.Parse(right);
                    Members.Add((left[17..^2], right));
                    break;
                case "Module"
                    when (
                        left
                        is "__parameters__"
                            or "__buffers__"
                            or "__annotations__"
                            or "__forward_hooks__"
                            or "__forward_pre_hooks__"
                    )
                        && right.StartsWith('[')
                        && right.EndsWith(']'):
                    break;
                default:
                    throw Unlike(line);
            }
        }

        private static bool IsName(string text) =>
            text.Length > 0 && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_');
    }
}
