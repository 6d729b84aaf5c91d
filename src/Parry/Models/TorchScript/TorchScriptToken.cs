namespace Parry.Models.TorchScript;

/// <summary>The kinds of tokens in TorchScript's code.</summary>
internal enum TorchScriptTokenKind
{
    Name,
    Number,
    Text,
    Sign,
    End,
}

/// <summary>A name, number, text or sign in TorchScript's code.</summary>
internal readonly record struct TorchScriptToken(TorchScriptTokenKind Kind, string Text)
{
    private static readonly string[] s_signs =
    [
        "**=",
        "<<=",
        ">>=",
        "...",
        "->",
        "==",
        "!=",
        "<=",
        ">=",
        "//",
        "**",
        "<<",
        ">>",
        "+=",
        "-=",
        "*=",
        "/=",
        "%=",
        "|=",
        "&=",
        "^=",
    ];

    private const string SingleSigns = "()[]{}:,.=+-*/%<>@~^|&";

    /// <summary>Splits a line as LibTorch does.</summary>
    /// <exception cref="InvalidDataException">The line has a character or a text that LibTorch does not write.
    /// </exception>
    public static List<TorchScriptToken> Split(string line)
    {
        var tokens = new List<TorchScriptToken>();
        int start = 0;
        while (start < line.Length)
        {
            char letter = line[start];
            if (letter == ' ')
            {
                start++;
                continue;
            }

            (TorchScriptTokenKind kind, int end) = letter switch
            {
                _ when IsLetter(letter) => (TorchScriptTokenKind.Name, EndOfName(line, start)),
                _ when IsNumber(line, start) => (TorchScriptTokenKind.Number, EndOfNumber(line, start)),
                '"' or '\'' => (TorchScriptTokenKind.Text, EndOfText(line, start)),
                _ => (TorchScriptTokenKind.Sign, EndOfSign(line, start)),
            };
            tokens.Add(new TorchScriptToken(kind, line[start..end]));
            start = end;
        }

        return tokens;
    }

    private static bool IsLetter(char letter) => char.IsAsciiLetter(letter) || letter == '_';

    private static bool IsNumber(string line, int start) =>
        char.IsAsciiDigit(line[start])
        || (line[start] == '.' && start + 1 < line.Length && char.IsAsciiDigit(line[start + 1]));

    private static int EndOfName(string line, int at)
    {
        while (at < line.Length && (IsLetter(line[at]) || char.IsAsciiDigit(line[at])))
            at++;
        return at;
    }

    // Letters are part of a number only as its exponent or as the mark of imaginary numbers.
    private static int EndOfNumber(string line, int at)
    {
        at = EndOfDigits(line, at);
        if (at < line.Length && line[at] == '.')
            at = EndOfDigits(line, at + 1);
        if (at < line.Length && line[at] is 'e' or 'E')
        {
            int digits = at + 1;
            if (digits < line.Length && line[digits] is '+' or '-')
                digits++;
            if (EndOfDigits(line, digits) is var end && end > digits)
                at = end;
        }

        return at < line.Length && line[at] == 'j' ? at + 1 : at;
    }

    private static int EndOfDigits(string line, int at)
    {
        while (at < line.Length && char.IsAsciiDigit(line[at]))
            at++;
        return at;
    }

    // Three quotation marks would begin a text that ends only at the next three.
    private static int EndOfText(string line, int start)
    {
        char quote = line[start];
        int at = start + 1;
        while (at < line.Length && line[at] != quote)
            at += line[at] == '\\' ? 2 : 1;
        if (at >= line.Length || (at == start + 1 && at + 1 < line.Length && line[at + 1] == quote))
            throw new InvalidDataException("its code has a text in a form that LibTorch does not write");
        return at + 1;
    }

    private static int EndOfSign(string line, int start)
    {
        foreach (string sign in s_signs)
        {
            if (string.CompareOrdinal(line, start, sign, 0, sign.Length) == 0)
                return start + sign.Length;
        }

        return SingleSigns.Contains(line[start])
            ? start + 1
            : throw new InvalidDataException(
                $"its code has the character '{PlainText.Excerpt(line[start].ToString())}', which LibTorch does not "
                    + "write"
            );
    }
}
