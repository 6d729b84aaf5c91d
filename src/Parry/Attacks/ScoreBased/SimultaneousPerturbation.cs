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
        long[] shape = [Queries / 2, .. batch.Images.shape.AsSpan(1)];
        return scope.MoveToOuter(
            batch.InPieces(
                Queries + 1,
                rows =>
                    ScoreClimb.Run(
                        model,
                        rows,
                        new Ball(Norm, rows.Images, epsilon),
                        Steps,
                        (random, step) => random.Signs(step + 1, shape),
                        Delta,
                        new Adam(this, rows.Images)
                    )
            )
        );
    }

    private sealed class Adam(SimultaneousPerturbation attack, Tensor images) : ScoreClimb.IStepRule
    {
        private RowAdam _adam = new(images);

        public Tensor Step(Tensor gradient, float[] margins, int step)
        {
            Tensor mean = gradient / (2 * attack.Delta * (attack.Queries / 2));
            return attack.LearningRate * _adam.Direction(mean);
        }

        public void Keep(long[] rows) => _adam = _adam.Select(rows);
    }
}
