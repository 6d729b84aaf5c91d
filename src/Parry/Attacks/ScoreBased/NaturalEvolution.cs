using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// NES, the query-limited attack of Ilyas, Engstrom, Athalye and Lin (2018, 1804.08598): PGD whose gradient is
/// estimated from scores, as the mean of antithetic Gaussian directions weighted by how much the loss changes along
/// them. Linf budget; untargeted and targeted; images leave as soon as they reach the goal. Defaults are the paper's:
/// 50 queries a step at σ = 0.001, learning rate 0.01, momentum 0.9, the rate halved on plateaus of 5 steps, 10,000
/// queries in all; but ε = 0.3, usual for MNIST. Deviations: the loss is the margin of the log-probabilities, which in
/// float32 does not vanish where the cross entropy does; queries are cut off at the box; each step asks also about the
/// point itself; plateaus are judged every fifth step, for each image by itself.
/// </summary>
public sealed record NaturalEvolution : IBudgetAttack<IScorer>
{
    private const int PlateauLength = 5;
    private const double PlateauDrop = 2;
    private const double LeastRate = 5e-5;

    /// <inheritdoc/>
    public string Name => "nes";

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <inheritdoc/>
    [Option("eps", "the largest change of a value")]
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 200;

    /// <summary>The queries of one step; an odd one is left out.</summary>
    [Option("queries", "queries of one step", Min = 2)]
    public int Queries { get; init; } = 50;

    /// <summary>σ: the deviation of the Gaussian directions.</summary>
    [Option("sigma", "deviation of the Gaussian directions")]
    public double Sigma { get; init; } = 0.001;

    /// <summary>The length of a step, until the loss stops rising.</summary>
    [Option("lr", "length of a step; halved when the loss stops rising")]
    public double LearningRate { get; init; } = 0.01;

    /// <summary>The part of the last direction that stays.</summary>
    [Option("momentum", "part of the last direction that stays")]
    public double Momentum { get; init; } = 0.9;

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
                        (random, step) => random.Normal(step, shape),
                        Sigma,
                        new SignOfMomentum(this, rows.Images)
                    )
            )
        );
    }

    // The rate of a row falls where its margin has not risen over a plateau.
    private sealed class SignOfMomentum(NaturalEvolution attack, Tensor images) : ScoreClimb.IStepRule
    {
        private Tensor _velocity = zeros_like(images);
        private double[] _rates = [.. Enumerable.Repeat(attack.LearningRate, (int)images.size(0))];
        private float[] _checkpoint = [.. Enumerable.Repeat(float.NegativeInfinity, (int)images.size(0))];

        public Tensor Step(Tensor gradient, float[] margins, int step)
        {
            if (step % PlateauLength == 0)
            {
                double least = Math.Min(LeastRate, attack.LearningRate);
                for (int i = 0; i < margins.Length; i++)
                {
                    if (margins[i] <= _checkpoint[i])
                        _rates[i] = Math.Max(_rates[i] / PlateauDrop, least);
                }

                _checkpoint = margins;
            }

            _velocity.copy_((attack.Momentum * _velocity) + ((1 - attack.Momentum) * gradient));
            return Rows.Column(_rates) * _velocity.sign();
        }

        public void Keep(long[] rows) =>
            (_velocity, _rates, _checkpoint) = (_velocity.At(rows), _rates.At(rows), _checkpoint.At(rows));
    }
}
