using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Training;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// TRADES (Zhang, Yu, Jiao, Xing, El Ghaoui, Jordan, 2019, 1901.08573): minimizes CE(f(x), y) + β · KL(f(x) ‖ f(x')),
/// where x' is the image of the ball that raises the divergence most. The first term asks for accuracy, the second for
/// the same answer all over the ball; β, which the paper writes 1/λ, weighs them. As in the authors' code, the gradient
/// goes through both answers.
/// </summary>
public sealed record Trades : AdversarialRecipe
{
    /// <inheritdoc/>
    public override string Name => "trades";

    /// <summary>β, above 0: 6 as in the paper's strongest row for CIFAR-10; its code has 1 for MNIST.</summary>
    [Option("beta", "weight of the divergence between the answers for clean and attacked images")]
    public double Beta
    {
        get;
        init => field = Positive("beta", value);
    } = 6;

    /// <inheritdoc/>
    protected override string Objective => $"TRADES with beta {Numbers.Text(Beta)}";

    /// <inheritdoc/>
    protected override Func<Tensor, Tensor> Raised(Images images, TrainingPiece piece) =>
        AttackLoss.Divergence(piece.Classifier.Logits(images));

    /// <inheritdoc/>
    protected override Tensor Losses(Tensor clean, Tensor attacked, Tensor labels)
    {
        Tensor error = AttackLoss.CrossEntropy(Goal.Untargeted(labels))(clean);
        Tensor divergence = AttackLoss.Divergence(clean)(attacked);
        return error + (Beta * divergence);
    }
}
