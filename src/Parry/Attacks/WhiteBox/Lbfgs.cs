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
        Goal wanted = goal.IsTargeted
            ? goal
            : Goal.Targeted(
                model
                    .Logits(batch.With(images))
                    .ScatterValue(1, goal.Labels.unsqueeze(1), double.NegativeInfinity)
                    .argmax(1)
            );
        var closest = new Closest(images);
        var constants = new ConstantSearch((int)images.size(0), InitialConstant);
        for (int search = 0; search < SearchSteps; search++)
            constants.Learn(Descend(model, batch.WithGoal(wanted), goal, constants.Values, closest));
        return scope.MoveToOuter(closest.Images);
    }

    // One minimization of every image with its constant; returns which images reached the goal on the way.
    private bool[] Descend(IClassifier model, Batch batch, Goal goal, double[] constants, Closest closest)
    {
        using var scope = NewDisposeScope();
        var found = new bool[batch.Count];
        long[] rows = Rows.All(batch.Count);
        Tensor weights = tensor(constants.Select(c => (float)c).ToArray());
        var minimizer = new BoxLbfgs(batch.Images);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            bool[] done = Step();
            long[] stay = Rows.Where(done, false);
            if (stay.Length == 0)
                break;
            if (stay.Length < rows.Length)
                (batch, goal, rows, weights, minimizer) = (
                    batch.Select(stay),
                    goal.Select(tensor(stay)),
                    rows.At(stay),
                    weights.At(stay),
                    minimizer.Select(stay)
                );
        }

        return found;

        bool[] Step()
        {
            using var inner = NewDisposeScope();
            Func<Tensor, Tensor> likelihood = AttackLoss.CrossEntropy(batch.Goal);
            Tensor point = minimizer.Point,
                change = point.sub(batch.Images);
            LossGradient pass = model.Gradient(batch.With(point), logits => likelihood(logits).neg().mul(weights));
            Tensor hit = goal.IsReached(pass.Logits.argmax(1)),
                squares = change.mul(change).sum([1, 2, 3]);
            closest.Take(point, squares.reshape(-1, 1, 1, 1), hit.reshape(-1, 1, 1, 1), rows);
            foreach (long row in rows.At(Rows.Where(hit.ToArray<bool>(), true)))
                found[row] = true;
            return minimizer.Learn(pass.Losses.add(squares), pass.Gradient.add(change.mul_(2.0)));
        }
    }
}
