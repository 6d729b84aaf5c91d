using System.Globalization;

namespace Parry.Models.TorchScript;

/// <summary>
/// Reads the expressions of TorchScript's code as LibTorch would, and refuses every operator that is not on the list of
/// <see cref="TorchScriptOperators"/>, however it is named: as <c>torch.save(x)</c>, <c>ops.aten.save(x)</c>,
/// <c>x.save()</c>, <c>getattr(x, "save")</c>, or without being called.
/// </summary>
/// <param name="classes">The classes and functions of the archive.</param>
/// <param name="locals">What is known of the variables.</param>
internal sealed class TorchScriptExpressions(
    TorchScriptClasses classes,
    IReadOnlyDictionary<string, TorchScriptTerm> locals
)
{
    private static readonly string[] s_between =
    [
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "@",
        "<",
        ">",
        "<=",
        ">=",
        "==",
        "!=",
        "&",
        "|",
        "^",
        "<<",
        ">>",
        "and",
        "or",
        "in",
    ];

    private static readonly string[] s_before = ["-", "+", "~", "not"];

    private static readonly string[] s_constants = ["True", "False", "None", "inf", "nan", "infj", "nanj"];

    /// <summary>How many items were taken so far from values of which nothing is known. LibTorch gives such an item of
    /// a module the type that is expected of the whole expression.</summary>
    public int Guesses { get; private set; }

    /// <summary>Reads an expression.</summary>
    /// <exception cref="InvalidDataException">It uses something that is not on the list, or has a form that LibTorch
    /// does not write.</exception>
    public TorchScriptTerm Read(TorchScriptLine line)
    {
        TorchScriptTerm term = Operand(line);
        while (true)
        {
            if (line.Take("if"))
            {
                Read(line);
                line.Expect("else");
                Read(line);
            }
            else if (line.Take("is"))
            {
                line.Take("not");
                Operand(line);
            }
            else if (line.Take("not"))
            {
                line.Expect("in");
                Operand(line);
            }
            else if (Array.Exists(s_between, line.Take))
            {
                Operand(line);
            }
            else
            {
                return term;
            }

            term = TorchScriptTerm.Unknown;
        }
    }

    /// <summary>Reads expressions between commas up to a sign or the line's end.</summary>
    public List<TorchScriptTerm> ReadList(TorchScriptLine line, string end)
    {
        var terms = new List<TorchScriptTerm>();
        while (!Ends(line, end))
        {
            // The name of an argument.
            if (end == ")" && line.Current.Kind == TorchScriptTokenKind.Name && line.Peek(1).Text == "=")
            {
                line.Next();
                line.Next();
            }

            terms.Add(Read(line));
            if (!line.Take(",") && !Ends(line, end))
                throw line.Unlike();
        }

        line.Take(end);
        return terms;
    }

    /// <summary>Reads a type and refuses unknown ones.</summary>
    public string ReadType(TorchScriptLine line)
    {
        string type = line.Type();
        classes.CheckNames(TorchScriptType.Parse(type));
        return type;
    }

    private static bool Ends(TorchScriptLine line, string end) =>
        end.Length == 0 ? line.Current.Kind == TorchScriptTokenKind.End : line.Is(end);

    private TorchScriptTerm Operand(TorchScriptLine line)
    {
        bool plain = true;
        while (Array.Exists(s_before, line.Take))
            plain = false;
        TorchScriptTerm term = Atom(line);
        while (true)
        {
            if (line.Take("."))
                term = Member(term, line.Name());
            else if (line.Take("("))
                term = Call(line, term);
            else if (line.Take("["))
                term = Item(line, term);
            else
                return plain ? term : TorchScriptTerm.Unknown;
        }
    }

    private TorchScriptTerm Atom(TorchScriptLine line)
    {
        TorchScriptToken token = line.Next();
        switch (token.Kind)
        {
            case TorchScriptTokenKind.Name:
                return Named(line, token.Text);
            case TorchScriptTokenKind.Number:
                return TorchScriptTerm.Unknown;
            case TorchScriptTokenKind.Text:
                return Text(line, token.Text);
        }

        switch (token.Text)
        {
            case "(":
                return InBrackets(line);
            case "[":
                ReadList(line, "]");
                return TorchScriptTerm.Unknown;
            case "{":
                while (!line.Take("}"))
                {
                    Read(line);
                    line.Expect(":");
                    Read(line);
                    if (!line.Take(",") && !line.Is("}"))
                        throw line.Unlike();
                }

                return TorchScriptTerm.Unknown;
            case "...":
                return TorchScriptTerm.Unknown;
            default:
                throw line.Unlike();
        }
    }

    // Only a text that shows as it is written may be printed.
    private static TorchScriptTerm Text(TorchScriptLine line, string text)
    {
        bool plain = true;
        while (true)
        {
            for (int i = text.IndexOf('\\'); i >= 0; i = text.IndexOf('\\', i + 2))
                plain &= text[i + 1] is 'n' or 't' or '"' or '\'' or '\\';
            plain &= text.All(char.IsAscii);
            if (line.Current.Kind != TorchScriptTokenKind.Text)
                return plain ? new TorchScriptTerm(TorchScriptTermKind.Text) : TorchScriptTerm.Unknown;
            text = line.Next().Text;
        }
    }

    private TorchScriptTerm InBrackets(TorchScriptLine line)
    {
        var terms = new List<TorchScriptTerm>();
        bool tuple = line.Is(")");
        while (!line.Take(")"))
        {
            terms.Add(Read(line));
            bool comma = line.Take(",");
            tuple |= comma;
            if (!comma && !line.Is(")"))
                throw line.Unlike();
        }

        if (!tuple)
            return terms[0];
        return terms.TrueForAll(term => term is { Kind: TorchScriptTermKind.Value, Type.Length: > 0 })
            ? TorchScriptTerm.Value($"Tuple[{string.Join(", ", terms.Select(term => term.Type))}]")
            : TorchScriptTerm.Unknown;
    }

    private TorchScriptTerm Named(TorchScriptLine line, string name)
    {
        switch (name)
        {
            case "torch":
                line.Expect(".");
                return Operator(line, "aten", line.Name(), "torch.");
            case "ops":
                line.Expect(".");
                string space = line.Name();
                line.Expect(".");
                return Operator(line, space, line.Name(), $"ops.{space}.");
            case "__torch__":
                return Declared(line);
            case "CONSTANTS":
                line.Expect(".");
                return line.Name() is ['c', _, ..] place && place.Skip(1).All(char.IsAsciiDigit)
                    ? TorchScriptTerm.Unknown
                    : throw line.Unlike();
            case "annotate":
            case "unchecked_cast":
                return Typed(line, isChecked: name == "annotate");
            case "uninitialized":
                line.Expect("(");
                string type = ReadType(line);
                line.Expect(")");
                return TorchScriptTerm.Value(type);
            case "isinstance":
                return IsInstance(line);
            case "getattr":
                return GetAttribute(line);
        }

        if (s_constants.Contains(name))
            return TorchScriptTerm.Unknown;
        if (locals.TryGetValue(name, out TorchScriptTerm term) && (term.IsCallable || !line.Is("(")))
            return term;
        return TorchScriptOperators.HasFunction(name) && line.Is("(")
            ? TorchScriptTerm.Callable()
            : throw NotListed(name);
    }

    private TorchScriptTerm Operator(TorchScriptLine line, string space, string name, string prefix)
    {
        if (!TorchScriptOperators.Has(space, name))
            throw NotListed(prefix + name);

        // LibTorch prints a warning; whatever the file computes must not reach the terminal.
        if (name == "warn")
        {
            line.Expect("(");
            List<TorchScriptTerm> arguments = ReadList(line, ")");
            if (arguments.Count == 0 || arguments[0].Kind != TorchScriptTermKind.Text)
                throw NotListed($"{prefix}{name} with a text that it computes");
            return TorchScriptTerm.Unknown;
        }

        return TorchScriptTerm.Callable();
    }

    // LibTorch takes the first part of the path that is a class or function.
    private TorchScriptTerm Declared(TorchScriptLine line)
    {
        string path = "__torch__";
        while (line.Take("."))
        {
            path += "." + line.Name();
            if (classes.Find(path) is { } found)
                return found;
        }

        throw NotListed(path);
    }

    // A cast to a class is believed: code reads the members of the object by their places.
    private TorchScriptTerm Typed(TorchScriptLine line, bool isChecked)
    {
        line.Expect("(");
        string type = ReadType(line);
        line.Expect(",");
        int guesses = Guesses;
        TorchScriptTerm term = Read(line);
        line.Take(",");
        line.Expect(")");
        bool believed = type.Contains("__torch__", StringComparison.Ordinal) && (!isChecked || Guesses > guesses);
        if (believed && !MayBe(term.Type, type))
            throw NotListed($"a value that is not known to be one as {PlainText.Excerpt(type)}");
        return TorchScriptTerm.Value(type);
    }

    private static bool MayBe(string given, string type)
    {
        if (given == type)
            return true;
        return given.Length > 0
            && TorchScriptType.Parse(given) is { Name: "Optional" or "Union" } choice
            && choice.Parts.Any(part => part.Text == type);
    }

    private TorchScriptTerm IsInstance(TorchScriptLine line)
    {
        line.Expect("(");
        Read(line);
        line.Expect(",");
        bool several = line.Take("(");
        do
        {
            if (!line.Take("list") && !line.Take("tuple"))
                ReadType(line);
        } while (several && line.Take(",") && !line.Is(")"));
        if (several)
            line.Expect(")");
        line.Expect(")");
        return TorchScriptTerm.Unknown;
    }

    private TorchScriptTerm GetAttribute(TorchScriptLine line)
    {
        line.Expect("(");
        TorchScriptTerm of = Read(line);
        line.Expect(",");
        TorchScriptToken name = line.Next();
        line.Expect(")");
        return name.Kind == TorchScriptTokenKind.Text ? Member(of, name.Text[1..^1]) : throw line.Unlike();
    }

    private TorchScriptTerm Member(TorchScriptTerm of, string name)
    {
        if (of.Kind is TorchScriptTermKind.Value or TorchScriptTermKind.Class && classes.Member(of, name) is { } member)
            return member;
        return TorchScriptOperators.HasMember(name) ? TorchScriptTerm.Callable() : throw NotListed($"\"{name}\"");
    }

    private TorchScriptTerm Call(TorchScriptLine line, TorchScriptTerm function)
    {
        ReadList(line, ")");
        return function.IsCallable
            ? TorchScriptTerm.Value(function.Type)
            : throw NotListed("a call of something that it computed");
    }

    private TorchScriptTerm Item(TorchScriptLine line, TorchScriptTerm of)
    {
        int? index =
            line.Peek(1).Text == "]"
            && int.TryParse(line.Current.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                ? number
                : null;
        bool slice = false;
        while (!line.Take("]"))
        {
            if (line.Take(":"))
                slice = true;
            else if (!line.Take(","))
                Read(line);
        }

        if (of.Kind != TorchScriptTermKind.Value || of.Type.Length == 0)
        {
            Guesses++;
            return TorchScriptTerm.Unknown;
        }

        // LibTorch believes what type a module has that is taken from a container by its name.
        if (of.Type.StartsWith("__torch__", StringComparison.Ordinal) && !classes.IsTuple(of.Type))
            throw NotListed($"an item of {PlainText.Excerpt(of.Type)}");
        return TorchScriptType.Parse(of.Type) switch
        {
            { Name: "List" } when slice => of,
            { Name: "List", Parts: var parts } => TorchScriptTerm.Value(parts[0].Text),
            { Name: "Dict", Parts: var parts } => TorchScriptTerm.Value(parts[1].Text),
            { Name: "Tuple", Parts: var parts } when index < parts.Count => TorchScriptTerm.Value(
                parts[index.Value].Text
            ),
            _ => TorchScriptTerm.Unknown,
        };
    }

    private static InvalidDataException NotListed(string name) =>
        new(
            $"its code uses {PlainText.Excerpt(name, 120)}, which is not on the list of what only computes, so it is "
                + "not loaded: export the network without it, or to ONNX"
        );
}
