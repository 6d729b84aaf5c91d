using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// SPSA, simultaneous perturbation stochastic approximation (Uesato, O'Donoghue, van den Oord, Kohli, 2018,
/// 1802.05666): the gradient of the margin is estimated from symmetric differences along random signs, and followed by
/// Adam, with projection onto the budget after each step. Linf budget; untargeted and targeted; images leave as soon as
/// they reach the goal. Defaults: δ = 0.01 and Adam's learning rate 0.01 as in the paper, 100 steps of 128 queries as
/// in the authors' code in CleverHans; the paper goes up to 8,192 queries a step. Deviations: queries are cut off at
/// the box; each step asks also about the point itself.
/// </summary>
public sealed record SimultaneousPerturbation : IBudgetAttack<IScorer>
{
    private const double Beta1 = 0.9,
        Beta2 = 0.999,
        AdamEpsilon = 1e-8;

    /// <inheritdoc/>
    public string Name => "spsa";

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <inheritdoc/>
    [Option("eps", "the largest change of a value")]
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 100;

    /// <summary>The queries of one step; an odd one is left out.</summary>
    [Option("queries", "queries of one step", Min = 2)]
    public int Queries { get; init; } = 128;

    /// <summary>δ: how far along each direction the model is asked.</summary>
    [Option("delta", "how far along each direction the model is asked")]
    public double Delta { get; init; } = 0.01;

    /// <summary>Adam's learning rate.</summary>
    [Option("lr", "Adam's learning rate")]
    public double LearningRate { get; init; } = 0.01;

    /// <inheritdoc/>
    public Tensor Perturb(IScorer model, Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(batch.InPieces(Queries + 1, rows => Climb(model, rows, epsilon)));
    }

    private Tensor Climb(IScorer model, Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        var best = new BestSoFar(batch.Images);
        var ball = new Ball(Norm, batch.Images, epsilon);
        Tensor point = batch.Images.clone(),
            first = zeros_like(point),
            second = zeros_like(point);
        long[] rows = Rows.All(batch.Count);
        long[] shape = [Queries / 2, .. point.shape.AsSpan(1)];
        for (int step = 1; step <= Steps; step++)
        {
            float[] margins = Step(step);
            long[] stay = Rows.Where([.. margins.Select(margin => margin > 0)], false);
            if (stay.Length == 0)
                return scope.MoveToOuter(best.Images);
            if (stay.Length == rows.Length)
                continue;
            (batch, ball, rows) = (batch.Select(stay), ball.Select(stay), rows.At(stay));
            (point, first, second) = (point.At(stay), first.At(stay), second.At(stay));
        }

        best.Take(rows, point, model.MarginsAt(batch, point));
        return scope.MoveToOuter(best.Images);

        float[] Step(int step)
        {
            using var inner = NewDisposeScope();
            var (margins, sum) = model.Differences(batch, point, batch.Random.Signs(step, shape), Delta);
            best.Take(rows, point, margins);
            Tensor gradient = sum.mul_(1 / (2 * Delta * shape[0]));
            double correction = Math.Sqrt(1 - Math.Pow(Beta2, step));
            first.mul_(Beta1).add_(gradient, 1 - Beta1);
            second.mul_(Beta2).addcmul_(gradient, gradient, 1 - Beta2);
            Tensor moved = point
                .clone()
                .addcdiv_(
                    first,
                    second.sqrt().add_(AdamEpsilon * correction),
                    LearningRate * correction / (1 - Math.Pow(Beta1, step))
                );
            point.copy_(ball.Project(moved));
            return margins;
        }
    }
}
