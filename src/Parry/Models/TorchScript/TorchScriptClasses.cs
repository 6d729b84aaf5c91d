using System.Text;

namespace Parry.Models.TorchScript;

/// <summary>
/// The classes and functions that an archive's code declares. Values depend on the classes: LibTorch stores the values
/// of a pickle in the slots of a class unchecked, and code compiled for the class then accesses these slots by number.
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

    private readonly Dictionary<string, TorchScriptDeclaration> _classes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TorchScriptFunction> _functions = new(StringComparer.Ordinal);
    private readonly List<List<TorchScriptToken>> _values = [];

    /// <summary>Reads the declarations of one file of code.</summary>
    /// <param name="module">The prefix of its classes' names.</param>
    /// <param name="code">The file in the form that LibTorch writes, with members indented by two columns.</param>
    /// <exception cref="InvalidDataException">A class is declared in another form.</exception>
    public void Add(string module, byte[] code)
    {
        if (module != "__torch__" && !TorchScriptCalls.IsClass(module))
            throw new InvalidDataException(
                $"its code has a file {PlainText.Excerpt(module)}, which LibTorch does not write"
            );
        TorchScriptDeclaration? current = null;
        string owner = "";
        TorchScriptFunction? function = null;
        foreach (string line in TorchScriptCode.Lines(Encoding.Latin1.GetString(code)))
        {
            int indent = line.Length - line.TrimStart(' ').Length;
            List<TorchScriptToken> tokens = TorchScriptToken.Split(line);
            if (function is not null && indent >= (current is null ? 2 : 4))
            {
                function.Body.Add(tokens);
            }
            else if (indent == 0)
            {
                (owner, current, function) = ("", null, null);
                if (tokens[0].Text == "class")
                    (owner, current) = AddClass(module, tokens, line);
                else if (tokens[0].Text == "def")
                    function = AddFunction(_functions, module + ".", "", tokens);
                else if (tokens[0].Text is not ("import" or "op_version_set"))
                    throw TorchScriptDeclaration.Unlike(line);
            }
            else if (current is not null && indent == 2 && tokens[0].Text == "def")
            {
                function = AddFunction(current.Methods, "", owner, tokens);
            }
            else if (current is not null && indent == 2)
            {
                function = null;
                current.Add(line[2..]);
                int value = tokens.FindIndex(token => token is { Kind: TorchScriptTokenKind.Sign, Text: "=" });
                if (value >= 0 && !line.StartsWith("  __annotations__[", StringComparison.Ordinal))
                    _values.Add(tokens[(value + 1)..]);
            }
            else
            {
                throw TorchScriptDeclaration.Unlike(line);
            }
        }
    }

    private (string Name, TorchScriptDeclaration Class) AddClass(
        string module,
        List<TorchScriptToken> tokens,
        string text
    )
    {
        var line = new TorchScriptLine(tokens);
        line.Expect("class");
        string name = line.Name();
        string derived = line.Take("(") ? line.Name() : "";
        if (derived.Length > 0)
            line.Expect(")");
        line.Expect(":");
        line.End();
        if (derived is not ("" or "Module" or "NamedTuple" or "Enum" or "Interface" or "ModuleInterface"))
            throw TorchScriptDeclaration.Unlike(text);
        var declared = new TorchScriptDeclaration(derived, []);
        if (!_classes.TryAdd($"{module}.{name}", declared))
            throw new InvalidDataException($"its code declares {PlainText.Excerpt(name)} twice");
        return ($"{module}.{name}", declared);
    }

    private static TorchScriptFunction AddFunction(
        Dictionary<string, TorchScriptFunction> functions,
        string prefix,
        string owner,
        List<TorchScriptToken> signature
    )
    {
        var function = new TorchScriptFunction(owner, signature);
        if (!functions.TryAdd(prefix + function.Name, function))
            throw new InvalidDataException($"its code declares {PlainText.Excerpt(function.Name)} twice");
        return function;
    }

    /// <summary>Refuses code that uses something that is not on the list of what only computes, after all files are
    /// read.</summary>
    /// <exception cref="InvalidDataException">It does, or has a form that LibTorch does not write.</exception>
    public void CheckCode()
    {
        CheckNames();
        List<TorchScriptFunction> all =
        [
            .. _functions.Values,
            .. _classes.Values.SelectMany(type => type.Methods.Values),
        ];
        foreach (TorchScriptFunction function in all)
            TorchScriptStatements.Declare(this, function);
        foreach (List<TorchScriptToken> value in _values)
        {
            // LibTorch computes the values of constants when it reads them.
            var line = new TorchScriptLine(value);
            new TorchScriptExpressions(this, new Dictionary<string, TorchScriptTerm>()).Read(line);
            line.End();
        }

        foreach (TorchScriptFunction function in all)
            TorchScriptStatements.Check(this, function);
    }

    /// <summary>The class or function of this name; null if none is declared.</summary>
    public TorchScriptTerm? Find(string name)
    {
        if (_classes.ContainsKey(name))
            return new TorchScriptTerm(TorchScriptTermKind.Class, name);
        return _functions.TryGetValue(name, out TorchScriptFunction? function)
            ? TorchScriptTerm.Callable(function.Returns)
            : null;
    }

    /// <summary>The member or method of an object or class of the archive; null if it declares none.</summary>
    public TorchScriptTerm? Member(TorchScriptTerm of, string name)
    {
        if (!_classes.TryGetValue(of.Type, out TorchScriptDeclaration? type))
            return null;
        bool isClass = of.Kind == TorchScriptTermKind.Class;
        if (isClass && name == "__new__")
            return TorchScriptTerm.Callable(of.Type);
        if (type.Methods.TryGetValue(name, out TorchScriptFunction? method))
            return TorchScriptTerm.Callable(method.Returns);
        if (type.Constants.Contains(name) || (type.Base == "Enum" && name is "name" or "value"))
            return TorchScriptTerm.Unknown;
        int member = isClass ? -1 : type.Members.FindIndex(member => member.Name == name);
        return member < 0 ? null : TorchScriptTerm.Value(type.Members[member].Type);
    }

    /// <summary>What the code says of the <c>forward</c> of a class; null if it has none.</summary>
    public TorchScriptSignature? Forward(string name)
    {
        if (
            !_classes.TryGetValue(name, out TorchScriptDeclaration? type)
            || !type.Methods.TryGetValue("forward", out TorchScriptFunction? forward)
        )
            return null;
        bool named =
            _classes.TryGetValue(forward.Returns, out TorchScriptDeclaration? result) && IsTuple(forward.Returns);
        string[] fields = named ? [.. result!.Members.Select(member => member.Name)] : [];
        return new TorchScriptSignature(forward.Required, forward.Returns, fields);
    }

    /// <summary>Whether this is a tuple with names.</summary>
    public bool IsTuple(string name) => _classes.TryGetValue(name, out var type) && type.Base == "NamedTuple";

    private void CheckNames()
    {
        foreach (TorchScriptDeclaration type in _classes.Values)
        {
            foreach ((string name, string member) in type.Members)
            {
                CheckNames(TorchScriptType.Parse(member));
                if (type.Methods.ContainsKey(name))
                    throw new InvalidDataException($"its code declares {PlainText.Excerpt(name)} twice");
            }
        }
    }

    /// <summary>Refuses a type that names an unknown one.</summary>
    /// <exception cref="InvalidDataException">It does.</exception>
    public void CheckNames(TorchScriptType type)
    {
        bool known = s_types.Contains(type.Name) || _classes.ContainsKey(type.Name) || IsNative(type.Name);
        if (!known)
            throw new InvalidDataException($"its code names a type {PlainText.Excerpt(type.Name)}, which is unknown");
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
        if (!_classes.TryGetValue(value.Text, out TorchScriptDeclaration? type))
            throw new InvalidDataException($"its code does not declare the class {value.Text}");
        if (type.Base == "Enum")
            return;
        if (type.Base is not ("" or "Module"))
            throw new InvalidDataException($"an object is made of {value.Text}, which is not a class");
        if (type.Methods.ContainsKey("__setstate__"))
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
                    $"the member {PlainText.Excerpt(name)} of {value.Text} is not of type {PlainText.Excerpt(member)}"
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
            var name when _classes.TryGetValue(name, out TorchScriptDeclaration? declared) => declared.Base switch
            {
                "NamedTuple" => value.Kind == TorchScriptKind.Tuple
                    && value.Items.Count == declared.Members.Count
                    && value
                        .Items.Zip(declared.Members)
                        .All(pair => Holds(TorchScriptType.Parse(pair.Second.Type), pair.First)),
                "Interface" or "ModuleInterface" => value.Kind == TorchScriptKind.Object && Has(value.Text, declared),
                _ => value.Kind == TorchScriptKind.Object && value.Text == name,
            },
            _ => false,
        };

    // Calls through an interface are compiled for its methods, whatever the object is.
    private bool Has(string name, TorchScriptDeclaration wanted) =>
        _classes.TryGetValue(name, out TorchScriptDeclaration? type)
        && wanted.Methods.All(method =>
            type.Methods.TryGetValue(method.Key, out TorchScriptFunction? own)
            && own.Contract.SequenceEqual(method.Value.Contract)
        );

    private static bool IsNative(string name) =>
        name.StartsWith("__torch__.torch.classes.quantized.", StringComparison.Ordinal)
        && s_native.Contains(name[34..]);
}
