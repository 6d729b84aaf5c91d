using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses.Breaks;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Measuring;

/// <summary>
/// Looks for near images of a generator that a classifier separates, and for those that another classifier, trained
/// after it, still separates.
/// </summary>
internal sealed class PairsRun
{
    /// <summary>The file with the pictures: the pairs of a row one above the other, and below them their difference.
    /// </summary>
    public const string Sheet = "pairs.png";

    /// <summary>The file with the numbers.</summary>
    public const string Numbers = "pairs.json";

    private const int Columns = 10;
    private const int PairsAtOnce = 50;

    /// <summary>The search, with its generator.</summary>
    public required PairSearch Search { get; init; }

    /// <summary>The generator's name.</summary>
    public required string GeneratorName { get; init; }

    /// <summary>The classifiers by name: the first, and perhaps the one trained after it.</summary>
    public required IReadOnlyList<(string Name, IClassifier Classifier)> Classifiers { get; init; }

    /// <summary>The names of the classes.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>Searches against each classifier.</summary>
    public required int Count { get; init; }

    /// <summary>The seed of every random draw.</summary>
    public required long Seed { get; init; }

    /// <summary>Searches against every classifier and compares them on the pairs of the first.</summary>
    /// <param name="folder">The folder for the sheet and the numbers.</param>
    /// <param name="line">Shows the progress.</param>
    /// <param name="cancellation">Stops it.</param>
    public PairsReport Run(RunFolder folder, ProgressLine line, CancellationToken cancellation)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Found[] found = [.. Classifiers.Select(each => Find(each.Name, each.Classifier, line, cancellation))];
        var (first, second) = (found[0].First, found[0].Second);
        PairAnswer[][][] answers = [.. Classifiers.Select(each => Answers(each.Classifier, first, second))];
        double[] distances = [.. Norm.L2.Of(first - second).ToArray<float>().Select(distance => (double)distance)];
        var report = new PairsReport(
            GeneratorName,
            Search.Distance,
            Count,
            Seed,
            [
                .. Classifiers.Select(
                    (each, i) => new PairCounts(each.Name, found[i].Count, answers[i].Count(pair => Differ(pair)))
                ),
            ],
            [.. distances.Select((distance, i) => new SeparatedPair(distance, [.. answers.Select(all => all[i])]))]
        );
        folder.Claim(Numbers, Sheet);
        AtomicFile.WriteText(
            Path.Combine(folder.FullPath, Numbers),
            System.Text.Json.JsonSerializer.Serialize(report, CliJson.Default.PairsReport) + "\n"
        );
        if (found[0].Count > 0)
            WriteSheet(Path.Combine(folder.FullPath, Sheet), first, second);
        return report;
    }

    private Found Find(string name, IClassifier classifier, ProgressLine line, CancellationToken cancellation)
    {
        var firsts = new List<Tensor>();
        var seconds = new List<Tensor>();
        for (int begun = 0; begun < Count; begun += PairsAtOnce)
        {
            cancellation.ThrowIfCancellationRequested();
            line.Show(() => $"{name}: {begun} of {Count} searches");
            int until = Math.Min(Count, begun + PairsAtOnce);
            long[] samples = [.. Enumerable.Range(begun, until - begun).Select(i => (long)i)];
            ManifoldPairs pairs = Search.Find(classifier, new SampleRandom(Seed, samples));
            long[] separated = Rows.Where(pairs.Found, true);
            firsts.Add(pairs.First.At(separated));
            seconds.Add(pairs.Second.At(separated));
        }

        return new Found(cat(firsts), cat(seconds));
    }

    private PairAnswer[][] Answers(IClassifier classifier, Tensor first, Tensor second) =>
        [.. Answers(classifier, first).Zip(Answers(classifier, second), (one, other) => (PairAnswer[])[one, other])];

    private IEnumerable<PairAnswer> Answers(IClassifier classifier, Tensor images)
    {
        if (images.size(0) == 0)
            return [];
        var (confidences, labels) = classifier.Logits(Images.Of(images)).softmax(-1).max(1);
        return labels
            .ToArray<long>()
            .Zip(
                confidences.ToArray<float>(),
                (label, confidence) => new PairAnswer(ClassNames[(int)label], confidence)
            );
    }

    private static bool Differ(PairAnswer[] pair) => pair[0].Class != pair[1].Class;

    private static void WriteSheet(string path, Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        int shown = (int)Math.Min(first.size(0), Columns);
        Tensor above = first.slice(0, 0, shown, 1);
        Tensor below = second.slice(0, 0, shown, 1);
        Tensor sheet = cat([above, below, (above - below).abs()]);
        Training.GanRun.WriteSheet(path, sheet, shown);
    }

    private sealed record Found(Tensor First, Tensor Second)
    {
        public int Count => (int)First.size(0);
    }
}
