using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Training;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Adversarial training with a loss of the answers for clean and for attacked images. The attack is projected gradient
/// descent as in the code of TRADES and MART: it starts at x + 0.001 N(0, 1), raises what the recipe says, and ends at
/// the last iterate. Linf or L2.
/// </summary>
/// <remarks>
/// As in that code, the attack sees the network in evaluation mode, and the network in training mode sees the clean and
/// the attacked images as two batches. Deviations: the length of a step follows the budget unless it is given, and the
/// first point is projected, too.
/// </remarks>
public abstract record AdversarialRecipe : ITrainingLoss
{
    private const double StartDeviation = 0.001;
    private const int StartDraw = 0;

    private readonly double? _epsilon;

    /// <summary>The short name, such as <c>trades</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The largest perturbation; by default 0.3 in Linf and 2 in L2, the usual budgets for MNIST.</summary>
    [Option("eps", "the largest perturbation; 2 when the norm is l2")]
    public double Epsilon
    {
        get => _epsilon ?? Ball.UsualRadius(Norm);
        init => _epsilon = value;
    }

    /// <summary>Linf or L2.</summary>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2)]
    public Norm Norm { get; init; } = Norm.Linf;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 10;

    /// <summary>The length of a step; null for 2.5 ε/steps.</summary>
    [Option("step", "length of a step; auto: 2.5 eps/steps")]
    public double? Step { get; init; }

    /// <summary>Epochs over which the budget grows linearly from 0.</summary>
    public double WarmUp { get; init; }

    /// <inheritdoc/>
    public string Description
    {
        get
        {
            string length = Step is { } step ? $" of {Numbers.Text(step)}" : "";
            string warmUp = WarmUp > 0 ? $", warm-up over {Numbers.Text(WarmUp)} epochs" : "";
            return $"{Objective}, {Norm} {Numbers.Text(Epsilon)}, {Steps} steps{length}{warmUp}";
        }
    }

    /// <summary>The recipe with its own settings, in words: "TRADES with beta 6".</summary>
    protected abstract string Objective { get; }

    /// <inheritdoc/>
    public Tensor Attacked(TrainingPiece piece)
    {
        double epsilon = Epsilon * piece.WarmedUp(WarmUp);
        double alpha = Step ?? (2.5 * epsilon / Steps);
        var images = new Images(piece.Images, piece.Random.Samples);
        var ball = new Ball(Norm, piece.Images, epsilon);
        Func<Tensor, Tensor> raised = Raised(images, piece);
        Tensor noise = piece.Random.Normal(StartDraw, piece.Images.shape.AsSpan(1));
        Tensor point = ball.Project(piece.Images + (StartDeviation * noise));
        for (int step = 1; step <= Steps; step++)
        {
            using var scope = NewDisposeScope();
            Tensor gradient = piece.Classifier.Gradient(images.With(point), raised).Gradient;
            Tensor direction = ball.Steepest(point, gradient, piece.Random, StartDraw + step);
            point.copy_(ball.Project(point + (alpha * direction)));
        }

        return point;
    }

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Logits) Of(nn.Module<Tensor, Tensor> network, TrainingPiece piece)
    {
        Tensor clean = network.forward(piece.Images);
        Tensor attacked = network.forward(piece.Attacked);
        return (Losses(clean, attacked, piece.Labels).sum(), attacked);
    }

    /// <summary>What the attack raises, of logits [N, classes], one number per image.</summary>
    /// <param name="images">The clean images.</param>
    /// <param name="piece">The same, with their labels and the classifier.</param>
    protected abstract Func<Tensor, Tensor> Raised(Images images, TrainingPiece piece);

    /// <summary>What the training minimizes, one number per image, [N].</summary>
    /// <param name="clean">The network's logits for the clean images, [N, classes].</param>
    /// <param name="attacked">Its logits for the attacked images.</param>
    /// <param name="labels">The true classes, [N] int64.</param>
    protected abstract Tensor Losses(Tensor clean, Tensor attacked, Tensor labels);

    /// <summary>A number above 0 for an option.</summary>
    /// <exception cref="UserErrorException">It is not.</exception>
    private protected static double Positive(string name, double value) =>
        value > 0 && double.IsFinite(value)
            ? value
            : throw new UserErrorException(
                string.Create(CultureInfo.InvariantCulture, $"expected {name} to be a number above 0, got {value}")
            );
}
