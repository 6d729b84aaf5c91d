using Parry.Evaluation;
using Parry.Reports;

namespace Parry.Tests.Reports;

/// <summary>A report with made-up numbers.</summary>
internal static class SampleReport
{
    public const int Count = 200;

    // The smallest valid PNG: one gray pixel.
    public static readonly byte[] Png = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
    );

    public static EvaluationRow Row(
        string attack,
        double? epsilon,
        string defense,
        Threat threat,
        int robust,
        int clean = 185
    ) =>
        new()
        {
            Model = "fashion-mnist/a",
            Data = "fashion-mnist",
            Attack = attack,
            Norm =
                attack == "none" ? null
                : attack == "cw-l2" ? "l2"
                : "linf",
            Epsilon = epsilon,
            Defense = defense,
            Threat = threat,
            Count = Count,
            CleanCorrect = clean,
            RobustCorrect = robust,
            Attacked = attack == "none" ? 0 : clean,
            Succeeded = attack == "none" ? 0 : clean - robust,
            MedianDistance = attack == "none" ? null : epsilon ?? 1.374,
            Gradients =
                attack == "none" ? 0
                : attack == "fgsm" ? 1
                : 40,
            Queries =
                attack == "none" ? 1
                : attack == "fgsm" ? 1
                : 41,
            Seconds = 3.14159,
            Seed = 7,
        };

    public static EvaluationReport Of(params EvaluationRow[] rows) =>
        new()
        {
            Title = "Fashion-MNIST classifier A against FGSM, PGD and Carlini-Wagner",
            Command =
                "parry evaluate --model fashion-mnist/a --data fashion-mnist --attacks "
                + "fgsm:eps=0.05,0.1,0.2,pgd:eps=0.05,0.1,0.2,cw-l2 --defenses defense-gan --count 200 --seed 7 "
                + "--out report",
            Created = new DateTimeOffset(2026, 11, 20, 21, 18, 0, TimeSpan.Zero),
            Machine = new Dictionary<string, string>
            {
                ["cores"] = "2",
                ["LibTorch"] = "1.13.0",
                ["BLAS"] = "OpenBLAS 0.3.21",
            },
            Settings = new Dictionary<string, string>
            {
                ["defense-gan"] = "L=200, R=10, init=prior, lr=10, momentum=0.7",
            },
            Rows = rows,
            Rocs = [],
            Gallery = [],
            Times = [],
            Notes = [],
        };

    /// <summary>
    /// Three attacks at several budgets, Defense-GAN static and adaptive, ROC curves, one gallery and one note.
    /// </summary>
    public static EvaluationReport Full()
    {
        var rows = new List<EvaluationRow>
        {
            Row("none", null, "none", Threat.None, 185),
            Row("none", null, "defense-gan", Threat.None, 163, clean: 163),
        };
        Add("fgsm", [(0.05, 91, 152, 118), (0.1, 37, 147, 84), (0.2, 12, 131, 49)]);
        Add("pgd", [(0.05, 42, 151, 97), (0.1, 3, 122, 24), (0.2, 0, 103, 8)]);
        Add("cw-l2", [(null, 0, 149, 31)]);
        return Of([.. rows]) with
        {
            Rocs = [Roc(Threat.GreyBox, 0.912, 0.35), Roc(Threat.WhiteBox, 0.641, 0.75)],
            Gallery = [Gallery()],
            Times = [new("none", 0.25, 0.925), new("defense-gan", 12.5, 0.815)],
            Notes =
            [
                "Defense-GAN with pgd, L∞ 0.05: the gradient is the identity (BPDA); 4 of 163 attacks saw a zero "
                    + "gradient.",
            ],
        };

        void Add(string attack, (double? Epsilon, int Bare, int Static, int Adaptive)[] measured)
        {
            foreach (var (epsilon, bare, unaware, aware) in measured)
            {
                rows.Add(Row(attack, epsilon, "none", Threat.None, bare));
                rows.Add(Row(attack, epsilon, "defense-gan", Threat.GreyBox, unaware, clean: 163));
                rows.Add(Row(attack, epsilon, "defense-gan", Threat.WhiteBox, aware, clean: 163));
            }
        }
    }

    public static RocCurve Roc(Threat threat, double auc, double power) =>
        new()
        {
            Defense = "defense-gan",
            Attack = "pgd",
            Norm = "linf",
            Epsilon = 0.1,
            Threat = threat,
            Auc = auc,
            Points = [.. Enumerable.Range(0, 41).Select(i => new RocPoint(i / 40.0, Math.Pow(i / 40.0, power)))],
        };

    public static GalleryRow Gallery() =>
        new()
        {
            Attack = "pgd",
            Norm = "linf",
            Epsilon = 0.1,
            Defense = "defense-gan",
            Threat = Threat.GreyBox,
            Amplification = 4,
            Images =
            [
                new()
                {
                    Label = "Ankle boot",
                    Clean = new(Png, "Ankle boot", true),
                    Adversarial = new(Png, "Sandal", false),
                    Perturbation = new(Png),
                    Purified = new(Png, "Ankle boot", true),
                },
            ],
        };
}
