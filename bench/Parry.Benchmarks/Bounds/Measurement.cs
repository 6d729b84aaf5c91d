using System.Globalization;

namespace Parry.Benchmarks.Bounds;

/// <summary>One measured number beside the bound that it must keep.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The number; null where it could not be measured.</param>
/// <param name="Unit">Its unit; where it could not be measured, why.</param>
/// <param name="Bound">The bound in words, such as <c>&gt;= 3</c>; empty where there is none.</param>
/// <param name="Holds">Whether the bound holds; null where there is none or nothing was measured.</param>
internal sealed record Measurement(string Name, double? Value, string Unit, string Bound = "", bool? Holds = null)
{
    /// <summary>The command that prints this row.</summary>
    public string Command { get; init; } = "";

    /// <summary>A number that must not be below a bound.</summary>
    public static Measurement AtLeast(string name, double value, string unit, double bound) =>
        new(name, value, unit, string.Create(CultureInfo.InvariantCulture, $">= {bound}"), value >= bound);

    /// <summary>A number that must not be above a bound.</summary>
    public static Measurement AtMost(string name, double value, string unit, double bound) =>
        new(name, value, unit, string.Create(CultureInfo.InvariantCulture, $"<= {bound}"), value <= bound);

    /// <summary>A number that could not be measured here.</summary>
    public static Measurement Absent(string name, string why, string bound = "") => new(name, null, why, bound);

    /// <summary>The row as a line of a table whose last column is the name.</summary>
    public override string ToString()
    {
        string state = this switch
        {
            { Value: null } => "absent",
            { Holds: true } => "held",
            { Holds: false } => "missed",
            _ => "",
        };
        string number = Value is { } value ? $"{Text(value)} {Unit}" : "";
        string what = Value is null ? $"{Name}: {Unit}" : Name;
        return $"  {state.PadRight(8)}{number.PadRight(22)}{Bound.PadRight(11)}{what}";
    }

    private static string Text(double number) =>
        number.ToString(number != 0 && Math.Abs(number) < 0.01 ? "0.##e-0" : "0.###", CultureInfo.InvariantCulture);
}
