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
    private const double PlateauDrop = 2,
        LeastRate = 5e-5;

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
        return scope.MoveToOuter(batch.InPieces(Queries + 1, rows => Climb(model, rows, epsilon)));
    }

    private Tensor Climb(IScorer model, Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        var best = new BestSoFar(batch.Images);
        var ball = new Ball(Norm, batch.Images, epsilon);
        Tensor point = batch.Images.clone(),
            velocity = zeros_like(point);
        double[] rates = [.. Enumerable.Repeat(LearningRate, batch.Count)];
        float[] checkpoint = [.. Enumerable.Repeat(float.NegativeInfinity, batch.Count)];
        long[] rows = Rows.All(batch.Count);
        long[] shape = [Queries / 2, .. point.shape.AsSpan(1)];
        for (int step = 0; step < Steps; step++)
        {
            float[] margins = Step(step);
            long[] stay = Rows.Where([.. margins.Select(margin => margin > 0)], false);
            if (stay.Length == 0)
                return scope.MoveToOuter(best.Images);
            if (stay.Length == rows.Length)
                continue;
            (batch, ball, rows, rates, checkpoint) = (
                batch.Select(stay),
                ball.Select(stay),
                rows.At(stay),
                rates.At(stay),
                checkpoint.At(stay)
            );
            (point, velocity) = (point.At(stay), velocity.At(stay));
        }

        best.Take(rows, point, model.MarginsAt(batch, point));
        return scope.MoveToOuter(best.Images);

        float[] Step(int step)
        {
            using var inner = NewDisposeScope();
            var (margins, gradient) = model.Differences(batch, point, batch.Random.Normal(step, shape), Sigma);
            best.Take(rows, point, margins);
            if (step % PlateauLength == 0)
            {
                for (int i = 0; i < rows.Length; i++)
                {
                    if (margins[i] <= checkpoint[i])
                        rates[i] = Math.Max(rates[i] / PlateauDrop, Math.Min(LeastRate, LearningRate));
                }

                checkpoint = margins;
            }

            velocity.mul_(Momentum).add_(gradient, 1 - Momentum);
            point.copy_(ball.Project(velocity.sign().mul_(Rows.Column(rates)).add_(point)));
            return margins;
        }
    }
}
