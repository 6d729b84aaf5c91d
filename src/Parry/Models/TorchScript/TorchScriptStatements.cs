namespace Parry.Models.TorchScript;

/// <summary>Checks the statements of the functions in an archive's code.</summary>
internal sealed class TorchScriptStatements
{
    // Names that stand for themselves wherever they occur.
    private static readonly string[] s_reserved =
    [
        "torch",
        "ops",
        "__torch__",
        "CONSTANTS",
        "annotate",
        "unchecked_cast",
        "uninitialized",
        "isinstance",
        "getattr",
    ];

    private static readonly string[] s_assignments =
    [
        "=",
        "+=",
        "-=",
        "*=",
        "/=",
        "%=",
        "|=",
        "&=",
        "^=",
        "<<=",
        ">>=",
        "**=",
    ];

    private readonly TorchScriptClasses _classes;
    private readonly TorchScriptFunction _function;
    private readonly Dictionary<string, TorchScriptTerm> _locals = new(StringComparer.Ordinal);
    private readonly TorchScriptExpressions _expressions;
    private readonly List<string> _required = [];

    private TorchScriptStatements(TorchScriptClasses classes, TorchScriptFunction function)
    {
        (_classes, _function) = (classes, function);
        _expressions = new TorchScriptExpressions(classes, _locals);
    }

    /// <summary>Reads the signature of a function.</summary>
    /// <exception cref="InvalidDataException">The signature has another form than those that LibTorch writes.
    /// </exception>
    public static void Declare(TorchScriptClasses classes, TorchScriptFunction function)
    {
        var statements = new TorchScriptStatements(classes, function);
        function.Returns = statements.Signature();
        function.Required = statements._required;
    }

    /// <summary>Refuses a function that uses something that is not on the list.</summary>
    /// <exception cref="InvalidDataException">It does, or has a form that LibTorch does not write.</exception>
    public static void Check(TorchScriptClasses classes, TorchScriptFunction function)
    {
        var statements = new TorchScriptStatements(classes, function);
        statements.Signature();

        // The second time, variables that are given values of several types are known as such from the beginning.
        for (int time = 0; time < 2; time++)
        {
            foreach (List<TorchScriptToken> line in function.Body)
                statements.Statement(line);
        }
    }

    private string Signature()
    {
        var line = new TorchScriptLine(_function.Signature);
        line.Expect("def");
        line.Name();
        line.Expect("(");
        bool first = true;
        while (!line.Take(")"))
        {
            Parameter(line, isSelf: first && _function.Owner.Length > 0);
            first = false;
            if (!line.Take(",") && !line.Is(")"))
                throw line.Unlike();
        }

        string returns = line.Take("->") ? _expressions.ReadType(line) : "";
        line.Expect(":");
        line.End();
        return returns;
    }

    // LibTorch takes the first argument of a method for an object of its class, whatever its type is said to be. It
    // computes a default when it reads the signature.
    private void Parameter(TorchScriptLine line, bool isSelf)
    {
        string name = line.Name();
        string type = line.Take(":") ? _expressions.ReadType(line) : "";
        if (isSelf && type.Length > 0 && type != _function.Owner)
            throw line.Unlike();
        Set(line, name, TorchScriptTerm.Value(isSelf ? _function.Owner : type));
        if (line.Take("="))
            new TorchScriptExpressions(_classes, new Dictionary<string, TorchScriptTerm>()).Read(line);
        else if (!isSelf)
            _required.Add(name);
    }

    private void Statement(List<TorchScriptToken> tokens)
    {
        var line = new TorchScriptLine(tokens);
        switch (line.Current.Text)
        {
            case "pass" or "break" or "continue":
                line.Next();
                break;
            case "else":
                line.Next();
                line.Expect(":");
                break;
            case "if" or "elif" or "while":
                line.Next();
                _expressions.Read(line);
                line.Expect(":");
                break;
            case "for":
                line.Next();
                Targets(line, "in", []);
                _expressions.ReadList(line, ":");
                break;
            case "with":
                line.Next();
                _expressions.Read(line);
                if (line.Take("as"))
                    Set(line, line.Name(), TorchScriptTerm.Unknown);
                line.Expect(":");
                break;
            case "return":
                line.Next();
                int guesses = _expressions.Guesses;
                _expressions.ReadList(line, "");
                if (IsOfClass(_function.Returns) && _expressions.Guesses > guesses)
                    throw line.Unlike();
                break;
            case "raise" or "assert" or "del":
                line.Next();
                _expressions.ReadList(line, "");
                break;
            case "def" or "class":
                throw line.Unlike();
            default:
                Assignment(tokens);
                return;
        }

        line.End();
    }

    private void Assignment(List<TorchScriptToken> tokens)
    {
        List<int> signs = Signs(tokens);
        var right = new TorchScriptLine(signs.Count == 0 ? tokens : tokens[(signs[^1] + 1)..]);
        int guesses = _expressions.Guesses;
        List<TorchScriptTerm> values = _expressions.ReadList(right, "");
        bool guessed = _expressions.Guesses > guesses;
        right.End();
        if (values.Count == 0)
            throw right.Unlike();
        int start = 0;
        foreach (int sign in signs)
        {
            bool plain = tokens[sign].Text == "=";
            Target(new TorchScriptLine(tokens[start..sign]), plain ? values : [TorchScriptTerm.Unknown], guessed);
            start = sign + 1;
        }
    }

    // The places of = and its kin outside of brackets.
    private static List<int> Signs(List<TorchScriptToken> tokens)
    {
        var places = new List<int>();
        int depth = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            if (tokens[i].Kind != TorchScriptTokenKind.Sign)
                continue;
            depth += tokens[i].Text switch
            {
                "(" or "[" or "{" => 1,
                ")" or "]" or "}" => -1,
                _ => 0,
            };
            if (depth == 0 && s_assignments.Contains(tokens[i].Text))
                places.Add(i);
        }

        return places;
    }

    // A name with or without a type, names between commas, a member or an item.
    private void Target(TorchScriptLine line, List<TorchScriptTerm> values, bool guessed)
    {
        if (line.Current.Kind == TorchScriptTokenKind.Name && line.Peek(1).Text == ":")
        {
            string name = line.Name();
            line.Expect(":");
            string type = _expressions.ReadType(line);
            if (IsOfClass(type) && guessed)
                throw line.Unlike();
            Set(line, name, TorchScriptTerm.Value(type));
        }
        else if (line.Peek(1).Text is "." or "[" || line.Is("("))
        {
            _expressions.Read(line);
        }
        else
        {
            Targets(line, "", values);
        }

        line.End();
    }

    private static bool IsOfClass(string type) => type.Contains("__torch__", StringComparison.Ordinal);

    private void Targets(TorchScriptLine line, string end, List<TorchScriptTerm> values)
    {
        var names = new List<string>();
        bool several = false;
        while (line.Current.Kind == TorchScriptTokenKind.Name && !(end.Length > 0 && line.Is(end)))
        {
            names.Add(line.Name());
            several |= line.Take(",");
        }

        if (names.Count == 0)
            throw line.Unlike();
        if (end.Length > 0)
            line.Expect(end);
        List<TorchScriptTerm> parts = several && values.Count == 1 ? Parts(values[0]) : values;
        for (int i = 0; i < names.Count; i++)
            Set(line, names[i], parts.Count == names.Count ? parts[i] : TorchScriptTerm.Unknown);
    }

    private static List<TorchScriptTerm> Parts(TorchScriptTerm tuple) =>
        tuple is { Kind: TorchScriptTermKind.Value, Type.Length: > 0 }
        && TorchScriptType.Parse(tuple.Type) is { Name: "Tuple" } type
            ? [.. type.Parts.Select(part => TorchScriptTerm.Value(part.Text))]
            : [];

    private void Set(TorchScriptLine line, string name, TorchScriptTerm term)
    {
        if (s_reserved.Contains(name))
            throw line.Unlike();
        _locals[name] =
            !_locals.TryGetValue(name, out TorchScriptTerm known) || known == term ? term : TorchScriptTerm.Unknown;
    }
}
