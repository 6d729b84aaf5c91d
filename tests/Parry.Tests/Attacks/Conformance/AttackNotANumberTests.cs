using Parry.Attacks;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Conformance;

/// <summary>A model that gives NaN here and there stops no attack, and NaN is no success.</summary>
[Collection(nameof(ConformanceRuns))]
public sealed class AttackNotANumberTests(ConformanceRuns runs)
{
    /// <summary>Those that need no network inside the model.</summary>
    public static TheoryData<string> Attacks { get; } =
    [
        .. ((IEnumerable<object[]>)AttackConformanceTests.Asking)
            .Select(row => (string)row[0])
            .Where(text => !text.StartsWith("ground-truth", StringComparison.Ordinal)),
    ];

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Points_without_scores_stop_no_attack_and_are_no_success(string text)
    {
        using var scope = NewDisposeScope();
        Tensor images = runs.Problem.Images;
        var model = new Holes((IClassifier)runs.Problem.Model);
        long[] clean = Predictions.Of(model, images);
        long[] labels = Predictions.Of(runs.Problem.Model, images);
        Assert.Contains(Predictions.None, clean);

        IReadOnlyList<AttackResult> results = runs.Ready(text)
            .Run(model, new AttackRun(images, Goal.Untargeted(tensor(labels)), 1));

        foreach (AttackResult result in results)
        {
            ResultChecks.AreInTheBoxAndTheBudget(result);
            long[] found = Predictions.Of(model, result.Images);
            for (int i = 0; i < found.Length; i++)
                Assert.True(
                    !result.Succeeded[i] || (found[i] != Predictions.None && found[i] != labels[i]),
                    $"image {i}"
                );
            result.Dispose();
        }
    }

    // A third of all images, by their values, have no scores; nor has the gradient there.
    private sealed class Holes(IClassifier model) : ClassifierWrapper(model)
    {
        public override Tensor Logits(Images images)
        {
            Tensor sums = images.Pixels.detach().flatten(1).sum(dim: 1) * 97.0;
            Tensor hole = (sums - sums.floor()).lt(1 / 3.0);
            Tensor factor = where(hole, full_like(sums, double.NaN), ones_like(sums));
            return Model.Logits(images) * factor.unsqueeze(1);
        }
    }
}
