namespace Parry.Cli.Evaluating;

/// <summary>Something of an evaluation that is to be reported was not measured yet.</summary>
/// <param name="folder">Its folder.</param>
/// <param name="missing">What is missing.</param>
internal sealed class IncompleteException(string folder, IReadOnlyList<string> missing)
    : Exception(
        $"'{folder}' is not complete: {Listed(missing)}. Run the shards that are missing; --partial reports what is "
            + "there"
    )
{
    private const int Named = 3;

    /// <summary>What is missing, in words.</summary>
    public static string Listed(IReadOnlyList<string> missing)
    {
        string first = string.Join("; ", missing.Take(Named));
        string more = missing.Count > Named ? $" and {missing.Count - Named} more" : "";
        return $"{missing.Count} parts were not measured: {first}{more}";
    }
}
