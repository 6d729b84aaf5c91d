using System.Diagnostics;
using System.Globalization;

namespace Parry.Torture;

/// <summary>Runs the kinds of torture that are asked for and says what each of them found.</summary>
internal static class Program
{
    private static readonly (string Name, double Share, Action<Ordeal> Run)[] s_kinds =
    [
        ("kills", 0.3, Kills.AtRandomMoments),
        ("evaluations", 0.15, Evaluations.Run),
        ("calls", 0.15, Kills.AtSystemCalls),
        ("disk", 0.2, FullDisk.Run),
        ("bombs", 0.1, Bombs.Run),
        ("load", 0.1, Load.Run),
        ("readers", 0, Readers.Run),
    ];

    private static int Main(string[] args)
    {
        string[] names = [.. args.TakeWhile(word => !word.StartsWith("--", StringComparison.Ordinal))];
        string[] options = args[names.Length..];
        if (options.Length % 2 != 0 || names.Except(s_kinds.Select(kind => kind.Name)).Any())
            return Usage();
        double seconds = 60;
        int rounds = 0;
        int seed = 1;
        for (int i = 0; i < options.Length; i += 2)
        {
            if (!int.TryParse(options[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                return Usage();
            switch (options[i])
            {
                case "--seconds":
                    seconds = number;
                    break;
                case "--rounds":
                    rounds = number;
                    break;
                case "--seed":
                    seed = number;
                    break;
                default:
                    return Usage();
            }
        }

        var chosen = s_kinds.Where(kind => names.Length == 0 ? kind.Share > 0 : names.Contains(kind.Name)).ToArray();
        double shares = Math.Max(0.1, chosen.Sum(kind => kind.Share));
        int failures = 0;
        foreach (var (name, share, run) in chosen)
        {
            using var ordeal = new Ordeal(TimeSpan.FromSeconds(seconds * share / shares), rounds, seed);
            var watch = Stopwatch.StartNew();
            try
            {
                run(ordeal);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                ordeal.Fail($"the torture itself failed: {e}");
            }

            failures += ordeal.Failures.Count;
            Console.WriteLine(
                $"{name}: {ordeal.Summary}, {ordeal.Failures.Count} failures, {watch.Elapsed.TotalSeconds:0} s"
            );
            foreach (string failure in ordeal.Failures)
                Console.WriteLine($"  {failure}");
        }

        return failures == 0 ? 0 : 1;
    }

    private static int Usage()
    {
        Console.Error.WriteLine(
            $"usage: tests/Torture/run [{string.Join('|', s_kinds.Select(kind => kind.Name))}]… "
                + "[--seconds N] [--rounds N] [--seed N]"
        );
        return 2;
    }
}
