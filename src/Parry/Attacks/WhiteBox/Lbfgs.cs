using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// The L-BFGS attack (Szegedy, Zaremba, Sutskever, Bruna, Erhan, Goodfellow, Fergus, 2013, 1312.6199), the first of
/// all: box-constrained L-BFGS minimizes c·(cross entropy with the wanted class) + |δ|², and a search over c, for each
/// image by itself, looks for the smallest perturbation. Targeted; an untargeted run aims at the class that comes
/// second for the clean image. Smallest L2. The search starts at c = 0.01. Deviations: the squared distance in place of
/// the paper's, as in the usual implementations; any iterate that reaches the goal counts, not only the last; 9
/// searches of at most 100 iterations.
/// </summary>
public sealed record Lbfgs : IAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "lbfgs";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>The number of constants c that are tried for each image.</summary>
    [Option("steps", "constants tried in the binary search", Min = 1)]
    public int SearchSteps { get; init; } = 9;

    /// <summary>The largest number of gradients for each constant.</summary>
    [Option("iterations", "gradients for each constant", Min = 1)]
    public int Iterations { get; init; } = 100;

    /// <summary>The first constant c.</summary>
    [Option("c", "the first constant")]
    public double InitialConstant { get; init; } = 1e-2;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        Goal goal = batch.Goal;
        using var scope = NewDisposeScope();
        Goal wanted = goal.IsTargeted ? goal : Goal.Targeted(SecondClasses(model.Logits(batch.With(images)), goal));
        var best = new BestSoFar(images);
        var constants = new ConstantSearch(batch.Count, InitialConstant);
        for (int search = 0; search < SearchSteps; search++)
        {
            Minimize(model, batch, wanted, constants, best);
            constants.Next();
        }

        return scope.MoveToOuter(best.Images);
    }

    private static Tensor SecondClasses(Tensor logits, Goal goal) =>
        logits.ScatterValue(1, goal.Labels.unsqueeze(1), double.NegativeInfinity).argmax(1);

    // One minimization of every image with its constant.
    private void Minimize(IClassifier model, Batch batch, Goal wanted, ConstantSearch constants, BestSoFar best)
    {
        using var scope = NewDisposeScope();
        long[] rows = Rows.All(batch.Count);
        Tensor c = Rows.Column(constants.Values).reshape(-1);
        var minimizer = new BoxLbfgs(batch.Images);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            bool[] done = Step();
            long[] stay = Rows.Where(done, false);
            if (stay.Length == 0)
                break;
            if (stay.Length < rows.Length)
            {
                (batch, wanted) = (batch.Select(stay), wanted.Select(tensor(stay)));
                (rows, c, minimizer) = (rows.At(stay), c.At(stay), minimizer.Select(stay));
            }
        }

        bool[] Step()
        {
            using var inner = NewDisposeScope();
            Func<Tensor, Tensor> likelihood = AttackLoss.CrossEntropy(wanted);
            Tensor point = minimizer.Point;
            LossGradient pass = model.Gradient(batch.With(point), logits => c * -likelihood(logits));
            Tensor delta = point - batch.Images;
            Tensor distances = delta.pow(2.0).SumPerImage();
            Tensor margins = AttackLoss.Margin(batch.Goal)(pass.Logits);
            constants.Mark(best.Take(point, margins, distances, rows));
            return minimizer.Learn(pass.Losses + distances, pass.Gradient + (2 * delta));
        }
    }
}
