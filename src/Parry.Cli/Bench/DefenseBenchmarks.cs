using System.Diagnostics;
using Parry.Attacks;
using Parry.Attacks.Generative;
using Parry.Catalogs;
using Parry.Cli.Evaluating;
using Parry.Data;
using Parry.Defenses;
using Parry.Evaluation;
using Parry.Models;
using Parry.Reports;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Bench;

/// <summary>
/// What the defenses with shipped weights reach on MNIST: accuracy beside what breaks them, and the time of an image
/// beside Defense-GAN's.
/// </summary>
internal static class DefenseBenchmarks
{
    private const string Command = "parry bench defenses --json";
    private const int Timed = 100;

    /// <summary>All rows.</summary>
    public static IEnumerable<BenchRow> Rows(string? dataDir, CancellationToken cancellation) =>
        [
            .. Times(dataDir),
            .. PuVae(dataDir, cancellation),
            .. MagNet(dataDir, cancellation),
            AdversarialTraining(dataDir, cancellation),
            .. Distillation(dataDir, cancellation),
            .. AdvGan(dataDir),
        ];

    // Defense-GAN at the paper's settings over other purifiers, on the same images, one after the other.
    private static IEnumerable<BenchRow> Times(string? dataDir)
    {
        DataSet set = DataSets.Mnist;
        using var context = new DefenseContext(set.Name, set.Shape, set.ClassNames.Count) { DataDir = dataDir };
        context.Evaluated = context.Classifier("mnist/a");
        using Tensor images = set.Load(DataPart.Test, Split.DefenseGan, dataDir).Take(Timed).ImageTensor();
        double Milliseconds(string defense)
        {
            IPurifier purifier = DefenseCatalog.Parse(defense, context).Purifier!;
            using var scope = NewDisposeScope();
            var random = new SampleRandom(1, Enumerable.Range(0, Timed).Select(i => (long)i).ToArray());
            purifier.Purify(images.slice(0, 0, 4, 1), random.For(new long[] { 0, 1, 2, 3 }));
            long start = Stopwatch.GetTimestamp();
            purifier.Purify(images, random);
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds / Timed;
        }

        double slow = Milliseconds(QualityBenchmarks.PaperDefense),
            fast = Milliseconds(QualityBenchmarks.ChosenDefense),
            puvae = Milliseconds("puvae");
        yield return new BenchRow(
            $"{QualityBenchmarks.PaperDefense}: time of an image, {Timed} MNIST images",
            slow,
            "milliseconds",
            "",
            null,
            Command
        );
        yield return BenchRow.AtLeast(
            $"{QualityBenchmarks.PaperDefense} over {QualityBenchmarks.ChosenDefense}: time of an image",
            slow / fast,
            "times",
            20,
            Command
        );
        yield return BenchRow.AtLeast(
            $"{QualityBenchmarks.PaperDefense} over puvae: time of an image",
            slow / puvae,
            "times",
            100,
            Command
        );
    }

    private static IEnumerable<BenchRow> PuVae(string? dataDir, CancellationToken cancellation)
    {
        EvaluationReport clean = Evaluate(
            "mnist/a",
            ["fgsm:eps=0.3"],
            "puvae",
            10_000,
            dataDir,
            cancellation,
            breaks: false
        );
        yield return BenchRow.AtLeast("puvae: clean, 10,000 MNIST images", Clean(clean), "%", 97, Command);
        yield return new BenchRow(
            "puvae: FGSM 0.3 by an attacker who does not know it",
            Robust(clean, "fgsm", Threat.GreyBox),
            "%",
            "",
            null,
            Command
        );
        EvaluationReport report = Evaluate("mnist/a", ["fgsm:eps=0.3"], "puvae", 100, dataDir, cancellation);
        yield return new BenchRow(
            "puvae: label-flip-pull 0.3, which is known to break it, 100 images",
            Robust(report, "label-flip-pull", Threat.WhiteBox),
            "%",
            "",
            null,
            Command
        );
    }

    private static IEnumerable<BenchRow> MagNet(string? dataDir, CancellationToken cancellation)
    {
        EvaluationReport clean = Evaluate(
            "mnist/a",
            ["fgsm:eps=0.3"],
            "magnet",
            10_000,
            dataDir,
            cancellation,
            breaks: false
        );
        yield return BenchRow.AtLeast("magnet: clean, 10,000 MNIST images", Clean(clean), "%", 98.5, Command);
        EvaluationReport report = Evaluate(
            "mnist/a",
            ["cw-l2:steps=4,iterations=200,lr=0.05,c=0.1"],
            "magnet",
            100,
            dataDir,
            cancellation
        );
        yield return BenchRow.AtLeast(
            "magnet: CW-L2 by an attacker who does not know it, refused or right, 100 images",
            Robust(report, "cw-l2", Threat.GreyBox),
            "%",
            95,
            Command
        );
        yield return new BenchRow(
            "magnet: CW-L2 past the detectors, which is known to break it",
            Robust(report, "cw-l2 past the detectors", Threat.WhiteBox),
            "%",
            "",
            null,
            Command
        );
    }

    private static BenchRow AdversarialTraining(string? dataDir, CancellationToken cancellation)
    {
        EvaluationReport report = Evaluate(
            "mnist/madry",
            ["pgd:eps=0.3,steps=40,step=0.01"],
            null,
            1000,
            dataDir,
            cancellation
        );
        return BenchRow.AtLeast(
            "adversarial training: PGD-40 at 0.3, steps of 0.01, 1000 images",
            Robust(report, "pgd", Threat.None),
            "%",
            85,
            Command
        );
    }

    private static IEnumerable<BenchRow> Distillation(string? dataDir, CancellationToken cancellation)
    {
        EvaluationReport report = Evaluate(
            "mnist/distilled",
            ["fgsm:eps=0.3"],
            "distillation:weights=mnist/distilled,temperature=100",
            500,
            dataDir,
            cancellation
        );
        yield return new BenchRow(
            "distillation: FGSM 0.3 at T = 1, 500 images",
            Robust(report, "fgsm", Threat.None),
            "%",
            "",
            null,
            Command
        );
        yield return BenchRow.AtMost(
            "distillation: PGD 0.3 on logits/T, which is known to break it",
            Robust(report, "pgd on logits/T", Threat.WhiteBox),
            "%",
            30,
            Command
        );
    }

    // The generator that ships, on the classifier it was trained against.
    private static IEnumerable<BenchRow> AdvGan(string? dataDir)
    {
        ImageSet test = DataSets.Mnist.Load(DataPart.Test, Split.DefenseGan, dataDir).Take(1000);
        var (model, _) = ModelCatalog.LoadClassifier("mnist/a", test.Shape, test.ClassNames.Count);
        using var owned = model as IDisposable;
        using var attack = (AdvGan)AttackCatalog.Parse("advgan:weights=mnist/advgan").Attack;
        using Tensor images = test.ImageTensor(),
            labels = test.LabelTensor();

        // Cut for the workers, as the runner of attacks cuts.
        const int Piece = 125;
        double seconds = Stopwatches.Best(() =>
            Workers.Shared.Run(
                test.Count / Piece,
                i =>
                {
                    using var frozen = no_grad();
                    using var scope = NewDisposeScope();
                    long from = (long)i * Piece,
                        to = from + Piece;
                    long[] samples = Enumerable.Range((int)from, Piece).Select(sample => (long)sample).ToArray();
                    var batch = new Batch(
                        new Images(images.slice(0, from, to, 1), samples),
                        Goal.Untargeted(labels.slice(0, from, to, 1)),
                        new SampleRandom(1, samples)
                    );
                    attack.Perturb(model, batch, attack.Epsilon);
                }
            )
        );
        using AttackResult result = AttackRunner.Run(
            (IAttack<IClassifier>)attack,
            model,
            images,
            Goal.Untargeted(labels),
            seed: 1
        );
        yield return BenchRow.AtMost(
            "advgan: 1000 MNIST images through the trained generator on all workers, best of 5",
            seconds,
            "seconds",
            0.1,
            Command
        );
        yield return BenchRow.AtLeast(
            "advgan: success at 0.3 on classifier A, 1000 images",
            100.0 * result.Succeeded.Count(s => s) / result.Attacked.Count(a => a),
            "%",
            95,
            Command
        );
    }

    private static EvaluationReport Evaluate(
        string model,
        string[] attacks,
        string? defense,
        int count,
        string? dataDir,
        CancellationToken cancellation,
        bool breaks = true
    ) =>
        EvaluateRun
            .Run(
                new EvaluateRequest
                {
                    Model = ModelRequest.Of(model),
                    Data = "mnist",
                    DataDir = dataDir,
                    Attacks = attacks,
                    Defenses = defense is null ? [] : [defense],
                    Count = count,
                    KnownBreaks = breaks,
                    Seed = 1,
                    Command = Command,
                },
                null,
                cancellation
            )
            .Report;

    private static double Clean(EvaluationReport report) =>
        report
            .Rows.Single(row => row.Attack == EvaluationRow.Nothing && row.Defense != EvaluationRow.Nothing)
            .CleanAccuracy * 100;

    private static double Robust(EvaluationReport report, string attack, Threat threat) =>
        report.Rows.Single(row => row.Attack == attack && row.Threat == threat).RobustAccuracy * 100;
}
