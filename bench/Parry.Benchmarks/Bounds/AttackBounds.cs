using System.Diagnostics;
using Parry.Attacks;
using Parry.Catalogs;
using Parry.Data;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Benchmarks.Bounds;

/// <summary>
/// What every attack costs beside the model's own calls: the profile that says how much of its time is in neither a
/// forward nor a backward pass.
/// </summary>
internal static class AttackBounds
{
    private const double GradientBound = 1.10;
    private const double QueryBound = 1.25;
    private const double BatchingBound = 3;
    private const int MostImages = 200;
    private const int SingleImages = 4;

    /// <summary>
    /// Settings that make a slow attack short without changing what a step costs; the others run as they are.
    /// </summary>
    private static readonly IReadOnlyList<(string Attack, int Images)> s_short =
    [
        ("apgd:steps=20", 200),
        ("autoattack:steps=10,queries=100", 200),
        ("lbfgs:steps=3,iterations=20", 100),
        ("jsma", 20),
        ("cw-l2:steps=2,iterations=100", 200),
        ("cw-l0:iterations=30,largest-c=1", 40),
        ("cw-linf:iterations=50", 40),
        ("ead:steps=2,iterations=100", 200),
        ("fab:steps=10", 200),
        ("optmargin:steps=1,iterations=40", 60),
        ("stadv:iterations=50", 60),
        ("lavan:steps=40", 100),
        ("rp2:steps=20,views=4", 40),
        ("zoo:steps=1,iterations=40", 16),
        ("autozoom:steps=300", 100),
        ("nes:steps=10", 100),
        ("spsa:steps=5", 60),
        ("square:queries=300", 200),
        ("one-pixel:population=50,generations=6", 100),
        ("lsa:rounds=4", 40),
        ("genattack:generations=100", 100),
        ("simba", 100),
        ("boundary:steps=300", 100),
        ("hsj:steps=3", 60),
        ("poba-ga:generations=30", 60),
    ];

    /// <summary>Measures attacks.</summary>
    /// <param name="model">The model that they attack.</param>
    /// <param name="attacks">The attacks, by name or with their settings; without one all of them, but those that must
    /// be trained first and the one whose work is a solver's.</param>
    /// <param name="dataDir">The folder to look for data in first.</param>
    public static IEnumerable<Measurement> Rows(string model, IReadOnlyList<string> attacks, string? dataDir)
    {
        IEnumerable<string> measured =
            attacks.Count > 0 ? attacks : AttackCatalog.All.Where(IsMeasured).Select(entry => entry.Name);
        Victim victim = Victim.Open(Victim.SetOf(model), model, MostImages, dataDir);
        return measured.SelectMany(attack => RowsOf(attack, victim));
    }

    private static bool IsMeasured(AttackEntry entry) =>
        entry.Default is not ITrainedAttack<IClassifier> { IsTrained: false } && entry.Name != "ground-truth";

    private static IEnumerable<Measurement> RowsOf(string asked, Victim victim)
    {
        AttackEntry entry = AttackCatalog.Find(asked.Split(':')[0]);
        var (attack, count) = s_short
            .Append((Attack: entry.Name, Images: MostImages))
            .First(row => row.Attack.Split(':')[0] == entry.Name);
        if (asked.Contains(':', StringComparison.Ordinal))
            attack = asked;
        using var scope = NewDisposeScope();
        victim.First(8).Run(attack).Dispose();
        var timed = new TimedClassifier(victim.Model);
        long start = Stopwatch.GetTimestamp();
        using AttackResult result = victim.First(count).Run(attack, on: timed);
        double imagesPerSecond = count / Stopwatch.GetElapsedTime(start).TotalSeconds;

        string name = $"{AttackCatalog.Parse(attack)} on {count} images";
        bool followsGradients = entry.Knowledge == Knowledge.Gradients;
        double bound = followsGradients ? GradientBound : QueryBound;
        yield return Measurement.AtMost($"{name}: its time over its model calls", timed.Ratio, "times", bound);
        if (!followsGradients)
        {
            double batching = imagesPerSecond * SecondsOneByOne(attack, victim);
            yield return Measurement.AtLeast($"{name}: batch over single images", batching, "times", BatchingBound);
        }

        yield return new Measurement($"{name}: speed", imagesPerSecond, "images/s");
        yield return new Measurement($"{name}: gradients", result.Gradients.Average(), "an image");
        yield return new Measurement($"{name}: queries", result.Queries.Average(), "an image");
    }

    // Seconds for an image when each is a run of its own.
    private static double SecondsOneByOne(string attack, Victim victim)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < SingleImages; i++)
            victim.Part(i, i + 1).Run(attack).Dispose();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / SingleImages;
    }
}
