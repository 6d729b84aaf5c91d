using Parry.Cli.Evaluating;
using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using Parry.Reports;

namespace Parry.Cli.Bench;

/// <summary>
/// What the shipped weights reach: accuracy of the classifiers, and what Defense-GAN restores under transferred FGSM.
/// </summary>
internal static class QualityBenchmarks
{
    /// <summary>The settings chosen on validation images; docs/models.md has the table.</summary>
    public const string ChosenDefense = "fast-defense-gan:compute=bfloat16";

    /// <summary>The paper's settings.</summary>
    public const string PaperDefense = "defense-gan:l=200,r=10";

    private static readonly string[] s_defenses = [ChosenDefense, PaperDefense + ",compute=bfloat16", PaperDefense];
    private const string Command = "parry bench quality --json";

    /// <summary>Test accuracy of the shipped classifier A.</summary>
    public static BenchRow Accuracy(DataSet set, double bound, string? dataDir)
    {
        ImageSet test = set.Load(DataPart.Test, Split.DefenseGan, dataDir);
        var (model, _) = ModelCatalog.LoadClassifier($"{set.Name}/a", set.Shape, set.ClassNames.Count);
        using var owned = model as IDisposable;
        return BenchRow.AtLeast(
            $"classifier A, {set.Title} test accuracy ({test.Count} images)",
            Models.Accuracy.Of(model, test) * 100,
            "%",
            bound,
            Command
        );
    }

    /// <summary>
    /// Clean and attacked accuracy of classifier A behind Defense-GAN, first 500 MNIST test images, FGSM 0.3 crafted on
    /// E.
    /// </summary>
    public static IEnumerable<BenchRow> DefenseGan(string? dataDir, CancellationToken cancellation)
    {
        EvaluationReport report = EvaluateRun
            .Run(
                new EvaluateRequest
                {
                    Model = ModelRequest.Of("mnist/a"),
                    Data = "mnist",
                    DataDir = dataDir,
                    Attacks = ["fgsm:eps=0.3"],
                    Defenses = s_defenses,
                    From = "mnist/e",
                    Count = 500,
                    KnownBreaks = false,
                    Seed = 1,
                    Command = Command,
                },
                null,
                cancellation
            )
            .Report;
        EvaluationRow bare = report.Rows.Single(row =>
            row is { Defense: EvaluationRow.Nothing, Threat: Threat.None } && row.Attack != EvaluationRow.Nothing
        );
        yield return new BenchRow(
            "no defense: FGSM 0.3 from E on A, 500 MNIST images",
            bare.RobustAccuracy * 100,
            "%",
            "about 57",
            null,
            Command
        );
        var accuracies = new Dictionary<string, (double Clean, double Attacked)>();
        foreach (string defense in s_defenses)
        {
            // The report shortens names that are not ambiguous.
            string name = defense == ChosenDefense ? defense.Split(':')[0] : defense;
            EvaluationRow clean = report.Rows.Single(row => row.Defense == name && row.Attack == EvaluationRow.Nothing);
            EvaluationRow attacked = report.Rows.Single(row => row.Defense == name && row.Threat.IsUnaware());
            EvaluationRow adaptive = report.Rows.Single(row =>
                row.Defense == name && row.Threat.IsAware() && row.Attack == attacked.Attack
            );
            accuracies[defense] = (clean.CleanAccuracy * 100, attacked.RobustAccuracy * 100);
            yield return BenchRow.AtLeast(
                $"{defense}: clean, 500 MNIST images",
                clean.CleanAccuracy * 100,
                "%",
                97,
                Command
            );
            yield return BenchRow.AtLeast(
                $"{defense}: FGSM 0.3 from E on A",
                attacked.RobustAccuracy * 100,
                "%",
                85,
                Command
            );
            yield return new BenchRow(
                $"{defense}: FGSM 0.3 by an attacker who knows it",
                adaptive.RobustAccuracy * 100,
                "%",
                "none",
                null,
                Command
            );
        }

        var (fast, slow) = (accuracies[ChosenDefense], accuracies[PaperDefense]);
        yield return BenchRow.AtLeast(
            $"{ChosenDefense} over {PaperDefense}: clean",
            fast.Clean - slow.Clean,
            "points",
            -1,
            Command
        );
        yield return BenchRow.AtLeast(
            $"{ChosenDefense} over {PaperDefense}: FGSM 0.3 from E on A",
            fast.Attacked - slow.Attacked,
            "points",
            -1,
            Command
        );
    }
}
