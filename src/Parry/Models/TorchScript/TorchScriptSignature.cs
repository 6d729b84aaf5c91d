namespace Parry.Models.TorchScript;

/// <summary>What an archive's code says of the module's <c>forward</c>.</summary>
/// <param name="Inputs">The names of its arguments that have no default.</param>
/// <param name="Returns">The type of what it returns; empty if the code does not say.</param>
/// <param name="Fields">The names of the parts of a tuple with names that it returns; otherwise none.</param>
internal sealed record TorchScriptSignature(IReadOnlyList<string> Inputs, string Returns, IReadOnlyList<string> Fields)
{
    /// <summary>Refuses a module that images alone cannot run, or that returns what cannot be read.</summary>
    /// <exception cref="InvalidDataException">It takes no or several inputs, or returns no tensors.</exception>
    public void Check()
    {
        if (Inputs.Count != 1)
        {
            string names = string.Join(", ", Inputs.Select(name => PlainText.Excerpt(name)));
            throw new InvalidDataException(
                $"its forward takes {Inputs.Count} inputs ({names}), expected one, a batch of images: export a module "
                    + "whose forward takes only the images"
            );
        }

        string? kind = Returns.Split('[')[0] switch
        {
            "Dict" => "a dictionary",
            "str" => "a text",
            "int" or "float" or "bool" => "a number",
            "None" or "NoneType" => "nothing",
            _ => null,
        };
        if (kind is not null)
            throw new InvalidDataException(
                $"it returns {kind} ({PlainText.Excerpt(Returns)}), expected one tensor of scores: export a module "
                    + "whose forward returns only the scores"
            );
    }
}
