using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using Parry.Reports;

namespace Parry.Benchmarks.Bounds;

/// <summary>
/// What the shipped weights reach: accuracy of the classifiers, and what Defense-GAN restores under transferred FGSM.
/// </summary>
internal static class QualityBounds
{
    /// <summary>The settings chosen on validation images; docs/models.md has the table.</summary>
    public const string ChosenDefense = "fast-defense-gan:compute=bfloat16";

    /// <summary>The paper's settings.</summary>
    public const string PaperDefense = "defense-gan:l=200,r=10";

    private static readonly string[] s_defenses = [ChosenDefense, $"{PaperDefense},compute=bfloat16", PaperDefense];

    /// <summary>All rows.</summary>
    public static IEnumerable<Measurement> Rows(string? dataDir)
    {
        yield return Accuracy(DataSets.FashionMnist, 92.0, dataDir);
        yield return Accuracy(DataSets.Mnist, 99.0, dataDir);
        foreach (Measurement row in DefenseGan(dataDir))
            yield return row;
    }

    // Test accuracy of the shipped classifier A.
    private static Measurement Accuracy(DataSet set, double bound, string? dataDir)
    {
        ImageSet test = set.Load(DataPart.Test, Split.DefenseGan, dataDir);
        var (model, _) = ModelCatalog.LoadClassifier($"{set.Name}/a", set.Shape, set.ClassNames.Count);
        using var owned = model as IDisposable;
        string name = $"classifier A, {set.Title} test accuracy ({test.Count} images)";
        return Measurement.AtLeast(name, Models.Accuracy.Of(model, test) * 100, "%", bound);
    }

    // Clean and attacked accuracy of classifier A behind Defense-GAN, FGSM 0.3 crafted on E.
    private static IEnumerable<Measurement> DefenseGan(string? dataDir)
    {
        string[] attack = ["--attacks", "fgsm:eps=0.3", "--from", "mnist/e"];
        string[] rest = ["--model", "mnist/a", "--count", "500", "--no-known-breaks"];
        EvaluationReport report = ParryProgram.EvaluateMnist(
            dataDir,
            [.. rest, .. attack, "--defenses", .. s_defenses]
        );
        EvaluationRow bare = report.Rows.Single(row =>
            row is { Defense: EvaluationRow.Nothing, Threat: Threat.None } && row.Attack != EvaluationRow.Nothing
        );
        yield return new Measurement(
            "no defense: FGSM 0.3 from E on A, 500 MNIST images",
            bare.RobustAccuracy * 100,
            "%",
            "about 57"
        );
        var accuracies = new Dictionary<string, (double Clean, double Attacked)>();
        foreach (string defense in s_defenses)
        {
            // The report shortens names that are not ambiguous.
            string name = defense == ChosenDefense ? defense.Split(':')[0] : defense;
            EvaluationRow[] rows = [.. report.Rows.Where(row => row.Defense == name)];
            EvaluationRow unaware = rows.Single(row => row.Threat.IsUnaware());
            EvaluationRow aware = rows.Single(row => row.Threat.IsAware() && row.Attack == unaware.Attack);
            double clean = rows.Single(row => row.Attack == EvaluationRow.Nothing).CleanAccuracy * 100;
            double attacked = unaware.RobustAccuracy * 100;
            double adaptive = aware.RobustAccuracy * 100;
            accuracies[defense] = (clean, attacked);
            yield return Measurement.AtLeast($"{defense}: clean, 500 MNIST images", clean, "%", 97);
            yield return Measurement.AtLeast($"{defense}: FGSM 0.3 from E on A", attacked, "%", 85);
            yield return new Measurement($"{defense}: FGSM 0.3 by an attacker who knows it", adaptive, "%");
        }

        var (fast, slow) = (accuracies[ChosenDefense], accuracies[PaperDefense]);
        string both = $"{ChosenDefense} over {PaperDefense}";
        yield return Measurement.AtLeast($"{both}: clean", fast.Clean - slow.Clean, "points", -1);
        yield return Measurement.AtLeast($"{both}: FGSM 0.3 from E on A", fast.Attacked - slow.Attacked, "points", -1);
    }
}
