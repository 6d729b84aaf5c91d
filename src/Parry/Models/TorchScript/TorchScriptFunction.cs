namespace Parry.Models.TorchScript;

/// <summary>A function or method in an archive's code.</summary>
/// <param name="Owner">The class of a method; empty for a function.</param>
/// <param name="Signature">The line that begins with <c>def</c>.</param>
internal sealed record TorchScriptFunction(string Owner, List<TorchScriptToken> Signature)
{
    /// <summary>Its name.</summary>
    public string Name =>
        Signature is [{ Text: "def" }, { Kind: TorchScriptTokenKind.Name } name, { Text: "(" }, ..]
            ? name.Text
            : throw new InvalidDataException("its code declares a function in a form that LibTorch does not write");

    /// <summary>Its signature but for its first argument.</summary>
    public IEnumerable<string> Contract =>
        Signature.SkipWhile(token => token.Text is not ("," or ")")).Select(token => token.Text);

    /// <summary>The type of what it returns.</summary>
    public string Returns { get; set; } = "";

    /// <summary>The names of the arguments that have no default, but for a method's own object.</summary>
    public IReadOnlyList<string> Required { get; set; } = [];

    /// <summary>The lines of its body.</summary>
    public List<List<TorchScriptToken>> Body { get; } = [];
}
