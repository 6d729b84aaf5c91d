using System.Diagnostics;
using Parry.Attacks;
using Parry.Catalogs;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Cli.Bench;

/// <summary>What every attack costs beside the model's own calls.</summary>
internal static class AttackBenchmarks
{
    private const double GradientBound = 1.10,
        QueryBound = 1.25,
        BatchingBound = 3;
    private const int SingleImages = 4;

    /// <summary>
    /// Settings that make a slow attack short without changing what a step costs; the others run as they are.
    /// </summary>
    private static readonly IReadOnlyList<(string Settings, int Images)> s_short =
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

    /// <summary>The attacks whose running asks the model nothing, and the one whose work is a solver's.</summary>
    public static bool IsMeasured(AttackEntry entry) =>
        entry.Default is not ITrainedAttack<IClassifier> { IsTrained: false } && entry.Name != "ground-truth";

    /// <summary>Measures one attack.</summary>
    /// <param name="entry">The attack.</param>
    /// <param name="model">The model it attacks.</param>
    /// <param name="images">At least as many images as it runs on, [N, C, H, W] in [0, 1].</param>
    /// <param name="labels">Their true classes.</param>
    /// <param name="command">The command that prints the row.</param>
    public static AttackBenchRow Measure(
        AttackEntry entry,
        IClassifier model,
        Tensor images,
        Tensor labels,
        string command
    )
    {
        (string settings, int count) = s_short
            .Append((Settings: entry.Name, Images: 200))
            .First(row => row.Settings.Split(':')[0] == entry.Name);
        AttackSpec attack = AttackCatalog.Parse(settings);
        using var scope = NewDisposeScope();
        Tensor few = images.slice(0, 0, count, 1),
            truth = labels.slice(0, 0, count, 1);
        Run(attack, model, images.slice(0, 0, 8, 1), labels.slice(0, 0, 8, 1));
        var timed = new TimedClassifier(model);
        var (seconds, queries, gradients) = Run(attack, timed, few, truth);
        bool queried = entry.Knowledge != Knowledge.Gradients;
        double bound = queried ? QueryBound : GradientBound;
        double? batching = queried ? count / seconds * OneByOne(attack, model, images, labels) : null;
        return new AttackBenchRow(
            attack.Text,
            entry.Knowledge.ToString().ToLowerInvariant(),
            count,
            count / seconds,
            gradients,
            queries,
            timed.Ratio,
            bound,
            batching,
            timed.Ratio <= bound && (batching is null || batching >= BatchingBound),
            command
        );
    }

    // Seconds for an image when each is a run of its own.
    private static double OneByOne(AttackSpec attack, IClassifier model, Tensor images, Tensor labels)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < SingleImages; i++)
            Run(attack, model, images.slice(0, i, i + 1, 1), labels.slice(0, i, i + 1, 1));
        return Stopwatch.GetElapsedTime(start).TotalSeconds / SingleImages;
    }

    private static (double Seconds, double Queries, double Gradients) Run(
        AttackSpec attack,
        IClassifier model,
        Tensor images,
        Tensor labels
    )
    {
        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<AttackResult> results = attack.Run(
            model,
            new AttackRun(images, Goal.Untargeted(labels), Seed: 1)
        );
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double queries = results.Sum(result => result.Queries.Average()),
            gradients = results.Sum(result => result.Gradients.Average());
        foreach (AttackResult result in results)
            result.Dispose();
        return (seconds, queries, gradients);
    }
}
