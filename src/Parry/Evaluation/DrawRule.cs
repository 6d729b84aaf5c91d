using System.Globalization;

namespace Parry.Evaluation;

/// <summary>How a random defense is judged, whose answers to one image differ from draw to draw.</summary>
/// <param name="Kind">What counts of several draws.</param>
/// <param name="Draws">The draws for each image, at least 1.</param>
public sealed record DrawRule(DrawRuleKind Kind, int Draws)
{
    private const int MostDraws = 1000;

    /// <summary>
    /// One draw for each image, independent of all others: the accuracy estimates the mean over draws.
    /// </summary>
    public static DrawRule Mean { get; } = new(DrawRuleKind.Mean, 1);

    /// <summary>Reads <c>mean</c>, <c>worst:N</c> or <c>majority:N</c>.</summary>
    /// <exception cref="UserErrorException">The text is none of these.</exception>
    public static DrawRule Parse(string text)
    {
        if (text == "mean")
            return Mean;
        string[] parts = text.Split(':');
        DrawRuleKind? kind = parts[0] switch
        {
            "worst" => DrawRuleKind.Worst,
            "majority" => DrawRuleKind.Majority,
            _ => null,
        };
        bool counted = int.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int draws);
        return kind is { } known && parts.Length == 2 && counted && draws is >= 1 and <= MostDraws
            ? new DrawRule(known, draws)
            : throw new UserErrorException(
                $"expected mean, worst:N or majority:N with N from 1 to {MostDraws}, got '{text}'"
            );
    }

    /// <summary>What the rule says, for a report.</summary>
    public override string ToString() =>
        Kind switch
        {
            DrawRuleKind.Worst => $"an image counts as right if it is right in all of {Draws} draws",
            DrawRuleKind.Majority => $"the most frequent answer of {Draws} draws counts",
            _ => "one draw for each image: the accuracy estimates the mean over draws",
        };
}

/// <summary>What counts of several draws of a random defense.</summary>
public enum DrawRuleKind
{
    /// <summary>Each draw by itself, which gives the mean over draws.</summary>
    Mean,

    /// <summary>The worst draw.</summary>
    Worst,

    /// <summary>The most frequent answer.</summary>
    Majority,
}
