using System.Globalization;

namespace Parry;

/// <summary>Finds the valid name that a mistyped one is nearest to.</summary>
public static class NearestName
{
    private const int LongestName = 64;

    /// <summary>
    /// ", did you mean X?" with the nearest valid name; empty if none is near. Numbers are near none: 12 is not a
    /// mistyped 2.
    /// </summary>
    public static string Hint(string name, IEnumerable<string> valid)
    {
        if (name.Length > LongestName || IsNumber(name))
            return "";
        string? nearest = valid.Where(candidate => !IsNumber(candidate)).MinBy(candidate => Distance(name, candidate));
        if (nearest is null)
            return "";
        int distance = Distance(name, nearest);
        return distance <= Math.Max(2, nearest.Length / 3) ? $", did you mean {nearest}?" : "";
    }

    private static bool IsNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    // Levenshtein's distance: insertions, deletions and substitutions.
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[b.Length];
    }
}
