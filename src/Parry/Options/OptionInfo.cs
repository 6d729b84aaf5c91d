namespace Parry.Options;

/// <summary>An option, as help shows it.</summary>
/// <param name="Name">Before the equals sign.</param>
/// <param name="Values">What may stand behind it.</param>
/// <param name="Default">What it is when it is not given.</param>
/// <param name="Summary">What it does, in one line.</param>
public sealed record OptionInfo(string Name, string Values, string Default, string Summary)
{
    /// <summary>Whether its name alone may be written, for <c>name=true</c>.</summary>
    public bool IsFlag => Values == OptionConverter.Flag.Values;
}
