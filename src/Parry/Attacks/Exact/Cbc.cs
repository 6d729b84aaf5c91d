using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Parry.Attacks.Exact;

/// <summary>The solver CBC (COIN-OR branch and cut), called as a process: one thread, and exact up to its tolerances of 1e-6.</summary>
internal static class Cbc
{
    private const string Package = "coinor-cbc";

    /// <summary>What a solver knows when it ends.</summary>
    /// <param name="Feasible">Whether there is a solution; null when time ran out before one was found.</param>
    /// <param name="LowerBound">No solution is smaller.</param>
    /// <param name="Values">The variables of the best solution that are not zero; empty without one.</param>
    internal sealed record Solution(bool? Feasible, double LowerBound, IReadOnlyDictionary<string, double> Values);

    /// <summary>Whether it is installed.</summary>
    public static bool IsInstalled { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "cbc")));

    /// <summary>Minimizes a program.</summary>
    /// <param name="program">In LP format.</param>
    /// <param name="seconds">The most time it may take.</param>
    /// <exception cref="UserErrorException">It is not installed.</exception>
    /// <exception cref="InvalidOperationException">It broke.</exception>
    public static Solution Minimize(string program, double seconds)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("parry-cbc-");
        try
        {
            string input = Path.Combine(folder.FullName, "problem.lp"), output = Path.Combine(folder.FullName, "solution.txt");
            File.WriteAllText(input, program);
            string said = Run([input, "-seconds", seconds.ToString("0.###", CultureInfo.InvariantCulture), "-timeMode", "elapsed", "-ratioGap", "0", "-allowableGap", "0", "-solve", "-solution", output]);
            if (!File.Exists(output)) throw new InvalidOperationException($"The solver cbc wrote no solution; it said: {said.Trim()}");
            return Read(File.ReadAllLines(output), said);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Run(string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("cbc", arguments) { RedirectStandardOutput = true })!;
            string said = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return said;
        }
        catch (Win32Exception)
        {
            throw new UserErrorException($"the attack ground-truth needs the solver cbc, which is not installed: apt-get install {Package}");
        }
    }

    // The first line is the verdict, the others are: number, name, value, reduced cost; with ** in front where a limit is not kept.
    private static Solution Read(string[] lines, string said)
    {
        string verdict = lines[0];
        if (verdict.Contains("nfeasible", StringComparison.Ordinal)) return new Solution(false, double.PositiveInfinity, new Dictionary<string, double>());
        bool optimal = verdict.StartsWith("Optimal", StringComparison.Ordinal), found = optimal || !verdict.Contains("no integer solution", StringComparison.Ordinal);
        var values = new Dictionary<string, double>();
        foreach (string line in found ? lines.Skip(1) : [])
        {
            string[] words = line.Replace("**", "", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            values[words[1]] = double.Parse(words[2], CultureInfo.InvariantCulture);
        }

        double bound = optimal ? values.GetValueOrDefault("d") : Number(said, "Lower bound:") ?? 0;
        return new Solution(found ? true : null, bound, values);
    }

    private static double? Number(string text, string label)
    {
        string? line = text.Split('\n').LastOrDefault(line => line.StartsWith(label, StringComparison.Ordinal));
        return line is not null && double.TryParse(line.AsSpan(label.Length), CultureInfo.InvariantCulture, out double number) ? number : null;
    }
}
