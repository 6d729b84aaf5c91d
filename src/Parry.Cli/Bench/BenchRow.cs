namespace Parry.Cli.Bench;

/// <summary>One measured number beside the bound it must keep.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The number; null where it could not be measured.</param>
/// <param name="Unit">Its unit; where it could not be measured, why.</param>
/// <param name="Bound">The bound in words, such as <c>&gt;= 3</c>.</param>
/// <param name="Holds">Whether the bound holds; null where nothing was measured.</param>
/// <param name="Command">The command that prints this row.</param>
internal sealed record BenchRow(string Name, double? Value, string Unit, string Bound, bool? Holds, string Command)
{
    /// <summary>A number that must not be below a bound.</summary>
    public static BenchRow AtLeast(string name, double value, string unit, double bound, string command) =>
        new(name, value, unit, FormattableString.Invariant($">= {bound}"), value >= bound, command);

    /// <summary>A number that must not be above a bound.</summary>
    public static BenchRow AtMost(string name, double value, string unit, double bound, string command) =>
        new(name, value, unit, FormattableString.Invariant($"<= {bound}"), value <= bound, command);

    /// <summary>A number that could not be measured here.</summary>
    public static BenchRow Absent(string name, string why, string bound, string command) =>
        new(name, null, why, bound, null, command);
}
