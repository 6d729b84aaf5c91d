namespace Parry.Cli.Doctor;

/// <summary>One thing that the doctor checked.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Status">The outcome.</param>
/// <param name="Found">What was found, in one line.</param>
/// <param name="Advice">What to do about it; null if nothing.</param>
internal sealed record Check(string Name, CheckStatus Status, string Found, string? Advice = null)
{
    /// <summary>A check that passed.</summary>
    public static Check Ok(string name, string found) => new(name, CheckStatus.Ok, found);

    /// <summary>A check that passed, unless there is advice.</summary>
    public static Check Warn(string name, string found, string? advice) =>
        new(name, advice is null ? CheckStatus.Ok : CheckStatus.Warning, found, advice);

    /// <summary>Something is missing.</summary>
    public static Check Missing(string name, string found, string advice) =>
        new(name, CheckStatus.Missing, found, advice);
}
