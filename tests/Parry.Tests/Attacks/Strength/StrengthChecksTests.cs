using Parry.Attacks;
using Parry.Models;
using Xunit.Sdk;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Strength;

/// <summary>The checks of strength are checked themselves.</summary>
public class StrengthChecksTests
{
    [Fact]
    public void An_attack_that_does_nothing_fails_every_strength_check()
    {
        foreach (Norm norm in new[] { Norm.Linf, Norm.L2, Norm.L1 })
        {
            foreach (bool targeted in new[] { false, true })
            {
                Assert.ThrowsAny<XunitException>(() =>
                    StrengthChecks.SucceedsWhereTheBudgetAllows(new Canary(norm), targeted)
                );
                Assert.ThrowsAny<XunitException>(() =>
                    StrengthChecks.ComesNearTheOptimum(new Canary(norm), targeted, classes: 2)
                );
            }
        }
    }

    /// <summary>Returns its input.</summary>
    private sealed class Canary(Norm norm) : IBudgetAttack<IClassifier>
    {
        public string Name => "canary";

        public Norm Norm => norm;

        public double Epsilon => double.PositiveInfinity;

        public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => batch.Images;

        public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons) =>
            [.. epsilons.Select(_ => batch.Images)];
    }
}
