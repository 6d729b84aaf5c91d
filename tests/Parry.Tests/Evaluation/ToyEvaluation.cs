using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Defenses;
using Parry.Evaluation;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

/// <summary>
/// Evaluations of a linear classifier on 40 black-and-white images, the last four of which it gets wrong.
/// </summary>
internal static class ToyEvaluation
{
    public static readonly ImageShape Shape = new(1, 4, 4);

    /// <summary>With a purifier that does nothing.</summary>
    public static EvaluationFindings OfNothing => s_ofNothing.Value;

    private static readonly Lazy<EvaluationFindings> s_ofNothing = new(() => Run(Purifier.Nothing));

    public static EvaluationFindings Run(IPurifier purifier, params PlannedAttack[] more) =>
        Run(new DefenseSpec { Name = purifier.Name, Purifier = purifier }, more: more);

    public static EvaluationFindings Run(
        DefenseSpec defense,
        bool revisited = false,
        bool knownBreaks = true,
        DrawRule? rule = null,
        params PlannedAttack[] more
    )
    {
        using var random = new Generator(8);
        var classifier = new LinearClassifier(Shape);
        using var scope = NewDisposeScope();

        // Black-and-white images, labeled as the classifier sees them but for the last four.
        byte[] pixels = rand([40 * 16], generator: random)
            .gt(0.5)
            .to(ScalarType.Byte)
            .mul(tensor(new byte[] { 255 }))
            .ToArray<byte>();
        Tensor images = TensorData.FromBytes(pixels, ScalarType.Byte, 40, 1, 4, 4).to(ScalarType.Float32).div(255.0);
        int[] labels =
        [
            .. ((IClassifier)classifier)
                .Predict(images)
                .ToArray<long>()
                .Select((label, i) => (int)(i < 36 ? label : (label + 1) % 3)),
        ];
        return Evaluator.Run(
            new EvaluationPlan
            {
                ModelName = "linear",
                Model = classifier,
                DataName = "checks",
                Images = new ImageSet("checks", Shape, pixels, labels, ["a", "b", "c"]),
                TrainingImages = new ImageSet(
                    "others",
                    Shape,
                    Enumerable.Repeat((byte)128, 12 * 16).ToArray(),
                    new int[12],
                    ["a", "b", "c"]
                ),
                Attacks =
                [
                    new("fgsm", new FastGradientSign(), [0.02, 0.1]),
                    new("half", new Half(), [0.02, 0.1]),
                    .. more,
                ],
                Defenses = [defense],
                Revisited = revisited,
                KnownBreaks = knownBreaks,
                DrawRule = rule ?? DrawRule.Mean,
                Seed = 1,
            }
        );
    }
}

/// <summary>A purifier that is one function of the images.</summary>
internal sealed record Purifier(string Name, Func<Tensor, Tensor> Purification) : IPurifier
{
    public static Purifier Nothing => new("nothing", images => images.clone());

    public ImageShape Shape => ToyEvaluation.Shape;

    public GradientPath Path => GradientPath.Identity;

    public bool IsRandom { get; init; }

    public Purified Purify(Tensor images, SampleRandom random)
    {
        Tensor purified = Purification(images);
        return new Purified(purified, purified.sub(images).pow(2.0).mean([1, 2, 3]));
    }
}

/// <summary>FGSM that uses only half of its budget.</summary>
internal sealed record Half : Parry.Attacks.IBudgetAttack<IClassifier>
{
    public string Name => "half";

    public Parry.Attacks.Norm Norm => Parry.Attacks.Norm.Linf;

    public double Epsilon => 0.1;

    public Tensor Perturb(IClassifier model, Parry.Attacks.Batch batch, double epsilon) =>
        PerturbWithin(model, batch, [epsilon])[0];

    public IReadOnlyList<Tensor> PerturbWithin(
        IClassifier model,
        Parry.Attacks.Batch batch,
        IReadOnlyList<double> epsilons
    ) => new FastGradientSign().PerturbWithin(model, batch, [.. epsilons.Select(epsilon => epsilon / 2)]);
}
