using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>How far apart a classifier's answers to the two images of a pair are.</summary>
public enum PairDifference
{
    /// <summary>-Σ C(x₁) log C(x₂), as in the authors' code.</summary>
    CrossEntropy,

    /// <summary>|C(x₁) - C(x₂)|², as in the paper's first version.</summary>
    Squared,
}

/// <summary>Computes <see cref="PairDifference"/>.</summary>
public static class PairDifferenceExtensions
{
    /// <summary>The difference of rows of logits, [N]; it is differentiated in both.</summary>
    /// <param name="difference">Which.</param>
    /// <param name="first">Logits of C(x₁), [N, classes].</param>
    /// <param name="second">Logits of C(x₂), [N, classes].</param>
    public static Tensor Of(this PairDifference difference, Tensor first, Tensor second) =>
        difference == PairDifference.Squared
            ? (first.softmax(-1) - second.softmax(-1)).pow(2).sum(1)
            : -(first.softmax(-1) * second.log_softmax(-1)).sum(1);
}
