using System.Diagnostics;
using System.Globalization;

namespace Parry.Torture;

/// <summary>The fuzzing of the tests, with as many damaged files for every reader as are asked for.</summary>
internal static class Readers
{
    private const int Usual = 10_000;
    private static readonly TimeSpan s_most = TimeSpan.FromHours(4);

    /// <summary>Runs the tests that feed readers with damaged files.</summary>
    public static void Run(Ordeal ordeal)
    {
        int count = ordeal.Rounds > 0 ? ordeal.Rounds : Usual;
        string tests = Path.Combine(ParryRun.Root, "artifacts/bin/Parry.Tests/release/Parry.Tests.dll");
        var start = new ProcessStartInfo("dotnet", ["test", tests, "--nologo", "--filter", "Kind=Fuzz"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PARRY_FUZZ_COUNT"] = count.ToString(CultureInfo.InvariantCulture);
        ParryRun run = ParryRun.Of(Process.Start(start)!, s_most);
        if (run.Code != 0)
            ordeal.Fail(run.Output + run.Error);
        string? last = run.Output.Split('\n').LastOrDefault(line => line.Contains("Passed:", StringComparison.Ordinal));
        ordeal.Summary = $"{count} damaged files a reader; {last?.Trim() ?? "no tests ran (./test.sh builds them)"}";
    }
}
