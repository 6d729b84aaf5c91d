using System.Text;

namespace Parry.Models.TorchScript;

/// <summary>Walks over the tokens of one line of TorchScript's code.</summary>
internal sealed class TorchScriptLine(List<TorchScriptToken> tokens)
{
    private int _next;

    /// <summary>The token that is read next.</summary>
    public TorchScriptToken Current => Peek(0);

    /// <summary>A token that is read later.</summary>
    public TorchScriptToken Peek(int ahead) =>
        _next + ahead < tokens.Count ? tokens[_next + ahead] : new TorchScriptToken(TorchScriptTokenKind.End, "");

    /// <summary>Reads a token.</summary>
    public TorchScriptToken Next()
    {
        TorchScriptToken token = Current;
        _next++;
        return token;
    }

    /// <summary>Whether the next token is this sign or keyword.</summary>
    public bool Is(string word) =>
        Current.Text == word && Current.Kind is TorchScriptTokenKind.Name or TorchScriptTokenKind.Sign;

    /// <summary>Reads this sign or keyword if it is next.</summary>
    public bool Take(string word)
    {
        bool found = Is(word);
        if (found)
            _next++;
        return found;
    }

    /// <summary>Reads this sign or keyword.</summary>
    /// <exception cref="InvalidDataException">Something else is next.</exception>
    public void Expect(string word)
    {
        if (!Take(word))
            throw Unlike();
    }

    /// <summary>Reads a name.</summary>
    /// <exception cref="InvalidDataException">Something else is next.</exception>
    public string Name() => Current.Kind == TorchScriptTokenKind.Name ? Next().Text : throw Unlike();

    /// <summary>Reads a type.</summary>
    /// <exception cref="InvalidDataException">Something else is next.</exception>
    public string Type()
    {
        var text = new StringBuilder(Name());
        while (Take("."))
            text.Append('.').Append(Name());
        if (!Take("["))
            return text.ToString();
        if (Take("("))
        {
            Expect(")");
            Expect("]");
            return text.Append("[()]").ToString();
        }

        var parts = new List<string>();
        do parts.Add(Type());
        while (Take(",") && !Is("]"));
        Expect("]");
        return text.Append('[').AppendJoin(", ", parts).Append(']').ToString();
    }

    /// <summary>Refuses what follows.</summary>
    /// <exception cref="InvalidDataException">The line does not end here.</exception>
    public void End()
    {
        if (Current.Kind != TorchScriptTokenKind.End)
            throw Unlike();
    }

    /// <summary>The failure for a line of another form than those that LibTorch writes.</summary>
    public InvalidDataException Unlike() =>
        new(
            "its code has a form that LibTorch does not write "
                + $"(\"{PlainText.Excerpt(string.Join(' ', tokens.Select(token => token.Text)))}\")"
        );
}
