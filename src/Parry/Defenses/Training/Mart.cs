using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Training;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// MART, misclassification aware adversarial training (Wang, Zou, Yi, Bailey, Ma, Gu, 2020, ICLR, OpenReview
/// rklOg6EFwS): minimizes BCE(p(x'), y) + λ · KL(p(x) ‖ p(x')) · (1 - p_y(x)), where x' is the image of the ball that
/// raises the cross entropy most. The boosted cross entropy BCE(p, y) = -log p_y - log(1 - max p_k over k ≠ y) also
/// pushes the strongest wrong class down; the divergence counts for images that the network gets wrong or is unsure of.
/// As in the authors' code, the gradient goes through all of it. Deviation: the logarithms are exact, where the code
/// adds small numbers to probabilities.
/// </summary>
public sealed record Mart : AdversarialRecipe
{
    /// <inheritdoc/>
    public override string Name => "mart";

    /// <summary>
    /// λ, above 0: 5 as in the paper and the code for ResNet-18; the code has 6 for WideResNet and as its default.
    /// </summary>
    [Option("lambda", "weight of the divergence between the answers for clean and attacked images")]
    public double Lambda
    {
        get;
        init => field = Positive("lambda", value);
    } = 5;

    /// <inheritdoc/>
    protected override string Objective => $"MART with lambda {Numbers.Text(Lambda)}";

    /// <inheritdoc/>
    protected override Func<Tensor, Tensor> Raised(Images images, TrainingPiece piece) =>
        AttackLoss.CrossEntropy(Goal.Untargeted(piece.Labels));

    /// <inheritdoc/>
    protected override Tensor Losses(Tensor clean, Tensor attacked, Tensor labels)
    {
        Tensor divergence = AttackLoss.Divergence(clean)(attacked);
        Tensor doubt = OtherThan(labels, clean).exp();
        return Boosted(attacked, labels) + (Lambda * divergence * doubt);
    }

    private static Tensor Boosted(Tensor logits, Tensor labels)
    {
        Tensor others = logits.ScatterValue(1, labels.unsqueeze(1), double.NegativeInfinity);
        Tensor strongest = others.argmax(1);
        return AttackLoss.CrossEntropy(Goal.Untargeted(labels))(logits) - OtherThan(strongest, logits);
    }

    // log(1 - p_k)
    private static Tensor OtherThan(Tensor classes, Tensor logits) =>
        AttackLoss.LogLikelihood(Goal.Untargeted(classes))(logits);
}
