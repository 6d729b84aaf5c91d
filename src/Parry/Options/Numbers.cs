using System.Globalization;

namespace Parry.Options;

/// <summary>Numbers as options write them: 0.3, 1e-3 or 8/255.</summary>
public static class Numbers
{
    private const int LongestDecimal = 8;

    /// <summary>Reads a finite number or fraction.</summary>
    public static bool TryParse(string text, out double number)
    {
        string[] parts = text.Split('/');
        number = double.NaN;
        if (parts.Length > 2 || !Read(parts[0], out number))
            return false;
        if (parts.Length == 2)
            number = Read(parts[1], out double divisor) ? number / divisor : double.NaN;
        return double.IsFinite(number);
    }

    /// <summary>
    /// The shortest text that reads back as this number; a multiple of 1/255 as such a fraction where its decimals are
    /// long.
    /// </summary>
    public static string Text(double number)
    {
        string text = number.ToString(CultureInfo.InvariantCulture);
        double bytes = Math.Round(number * 255);
        return text.Length > LongestDecimal && bytes != 0 && bytes / 255 == number
            ? $"{bytes.ToString(CultureInfo.InvariantCulture)}/255"
            : text;
    }

    private static bool Read(string text, out double number) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
}
