using System.Diagnostics;
using Parry.Attacks;
using Parry.Attacks.Generative;
using Parry.Catalogs;
using Parry.Data;
using Parry.Defenses;
using Parry.Evaluation;
using Parry.Models;
using Parry.Reports;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Benchmarks.Bounds;

/// <summary>
/// What the defenses with shipped weights reach on MNIST: accuracy beside what breaks them, and the time of an image
/// beside Defense-GAN's.
/// </summary>
internal static class DefenseBounds
{
    private const int Timed = 100;

    /// <summary>All rows.</summary>
    public static IEnumerable<Measurement> Rows(string? dataDir) =>
        Times(dataDir)
            .Concat(PuVae(dataDir))
            .Concat(MagNet(dataDir))
            .Concat(AdversarialTraining(dataDir))
            .Concat(Distillation(dataDir))
            .Concat(AdvGan(dataDir));

    // Defense-GAN at the paper's settings over other purifiers, on the same images, one after the other.
    private static IEnumerable<Measurement> Times(string? dataDir)
    {
        DataSet set = DataSets.Mnist;
        using var context = new DefenseContext(set.Name, set.Shape, set.ClassNames.Count) { DataDir = dataDir };
        context.Evaluated = context.Classifier("mnist/a");
        using Tensor images = set.Load(DataPart.Test, Split.DefenseGan, dataDir, Timed).ImageTensor();
        double slow = Milliseconds(QualityBounds.PaperDefense);
        double fast = Milliseconds(QualityBounds.ChosenDefense);
        double puvae = Milliseconds("puvae");

        string paper = QualityBounds.PaperDefense;
        yield return new Measurement($"{paper}: time of an image, {Timed} MNIST images", slow, "milliseconds");
        yield return Measurement.AtLeast(
            $"{paper} over {QualityBounds.ChosenDefense}: time of an image",
            slow / fast,
            "times",
            20
        );
        yield return Measurement.AtLeast($"{paper} over puvae: time of an image", slow / puvae, "times", 100);

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
    }

    private static IEnumerable<Measurement> PuVae(string? dataDir)
    {
        string[] setup = ["--model", "mnist/a", "--attacks", "fgsm:eps=0.3", "--defenses", "puvae"];
        EvaluationReport all = ParryProgram.EvaluateMnist(dataDir, [.. setup, "--count", "10000", "--no-known-breaks"]);
        EvaluationReport few = ParryProgram.EvaluateMnist(dataDir, [.. setup, "--count", "100"]);
        yield return Measurement.AtLeast("puvae: clean, 10,000 MNIST images", Clean(all), "%", 97);
        yield return new Measurement(
            "puvae: FGSM 0.3 by an attacker who does not know it",
            Robust(all, "fgsm", Threat.GreyBox),
            "%"
        );
        yield return new Measurement(
            "puvae: label-flip-pull 0.3, which is known to break it, 100 images",
            Robust(few, "label-flip-pull", Threat.WhiteBox),
            "%"
        );
    }

    private static IEnumerable<Measurement> MagNet(string? dataDir)
    {
        string[] setup = ["--model", "mnist/a", "--defenses", "magnet"];
        string[] onAll = ["--attacks", "fgsm:eps=0.3", "--count", "10000", "--no-known-breaks"];
        string[] onFew = ["--attacks", "cw-l2:steps=4,iterations=200,lr=0.05,c=0.1", "--count", "100"];
        EvaluationReport all = ParryProgram.EvaluateMnist(dataDir, [.. setup, .. onAll]);
        EvaluationReport few = ParryProgram.EvaluateMnist(dataDir, [.. setup, .. onFew]);
        yield return Measurement.AtLeast("magnet: clean, 10,000 MNIST images", Clean(all), "%", 98.5);
        yield return Measurement.AtLeast(
            "magnet: CW-L2 by an attacker who does not know it, refused or right, 100 images",
            Robust(few, "cw-l2", Threat.GreyBox),
            "%",
            95
        );
        yield return new Measurement(
            "magnet: CW-L2 past the detectors, which is known to break it",
            Robust(few, "cw-l2 past the detectors", Threat.WhiteBox),
            "%"
        );
    }

    private static IEnumerable<Measurement> AdversarialTraining(string? dataDir)
    {
        string[] attack = ["--attacks", "pgd:eps=0.3,steps=40,step=0.01"];
        EvaluationReport report = ParryProgram.EvaluateMnist(
            dataDir,
            ["--model", "mnist/madry", .. attack, "--count", "1000"]
        );
        yield return Measurement.AtLeast(
            "adversarial training: PGD-40 at 0.3, steps of 0.01, 1000 images",
            Robust(report, "pgd", Threat.None),
            "%",
            85
        );
    }

    private static IEnumerable<Measurement> Distillation(string? dataDir)
    {
        string[] defense = ["--defenses", "distillation:weights=mnist/distilled,temperature=100"];
        EvaluationReport report = ParryProgram.EvaluateMnist(
            dataDir,
            ["--model", "mnist/distilled", "--attacks", "fgsm:eps=0.3", .. defense, "--count", "500"]
        );
        yield return new Measurement(
            "distillation: FGSM 0.3 at T = 1, 500 images",
            Robust(report, "fgsm", Threat.None),
            "%"
        );
        yield return Measurement.AtMost(
            "distillation: PGD 0.3 on logits/T, which is known to break it",
            Robust(report, "pgd on logits/T", Threat.WhiteBox),
            "%",
            30
        );
    }

    // The generator that ships, on the classifier it was trained against.
    private static IEnumerable<Measurement> AdvGan(string? dataDir)
    {
        const string Attack = "advgan:weights=mnist/advgan";
        Victim victim = Victim.Open(DataSets.Mnist, "mnist/a", 1000, dataDir);
        using var generator = (AdvGan)AttackCatalog.Parse(Attack).Attack;

        // Cut for the workers, as the runner of attacks cuts.
        const int Piece = 125;
        double seconds = Stopwatches.Best(() =>
            Workers.Shared.Run(
                victim.Count / Piece,
                i =>
                {
                    using var frozen = no_grad();
                    using var scope = NewDisposeScope();
                    long from = (long)i * Piece;
                    Victim part = victim.Part(from, from + Piece);
                    long[] samples = [.. Enumerable.Range((int)from, Piece)];
                    var images = new Images(part.Images, samples);
                    var batch = new Batch(images, part.Goal, new SampleRandom(1, samples));
                    generator.Perturb(victim.Model, batch, generator.Epsilon);
                }
            )
        );
        using AttackResult result = victim.Run(Attack);
        yield return Measurement.AtMost(
            "advgan: 1000 MNIST images through the trained generator on all workers, best of 5",
            seconds,
            "seconds",
            0.1
        );
        yield return Measurement.AtLeast(
            "advgan: success at 0.3 on classifier A, 1000 images",
            100.0 * result.Succeeded.Count(s => s) / result.Attacked.Count(a => a),
            "%",
            95
        );
    }

    private static double Clean(EvaluationReport report) =>
        report
            .Rows.Single(row => row.Attack == EvaluationRow.Nothing && row.Defense != EvaluationRow.Nothing)
            .CleanAccuracy * 100;

    private static double Robust(EvaluationReport report, string attack, Threat threat) =>
        report.Rows.Single(row => row.Attack == attack && row.Threat == threat).RobustAccuracy * 100;
}
