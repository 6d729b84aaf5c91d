using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Climbs the margin within balls along gradients that are estimated from scores: differences along random directions.
/// An image leaves once it is adversarial.
/// </summary>
internal static class ScoreClimb
{
    /// <summary>Says how far each row moves for a gradient; it may remember, and narrows as rows leave.</summary>
    public interface IStepRule
    {
        /// <summary>The change of the points, [N, C, H, W].</summary>
        /// <param name="gradient">Estimated, and not normalized.</param>
        /// <param name="margins">At the points.</param>
        /// <param name="step">The number of the step, from 0.</param>
        Tensor Step(Tensor gradient, float[] margins, int step);

        /// <summary>Keeps some rows.</summary>
        void Keep(long[] rows);
    }

    /// <summary>Climbs from the clean images.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="ball">Around them.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="directions">Directions [N, Q, C, H, W] for the number of a step.</param>
    /// <param name="length">How far along a direction the model is asked.</param>
    /// <param name="rule">How points move.</param>
    public static Tensor Run(
        IScorer model,
        Batch batch,
        Ball ball,
        int steps,
        Func<SampleRandom, int, Tensor> directions,
        double length,
        IStepRule rule
    )
    {
        using var scope = NewDisposeScope();
        var best = new BestSoFar(batch.Images);
        Tensor point = batch.Images.clone();
        long[] rows = Rows.All(batch.Count);
        for (int step = 0; step < steps; step++)
        {
            bool[] reached;
            using (NewDisposeScope())
            {
                Tensor drawn = directions(batch.Random, step);
                var (margins, gradient) = model.Differences(batch, point, drawn, length);
                best.Take(point, tensor(margins), rows: rows);
                point.copy_(ball.Project(point + rule.Step(gradient, margins, step)));
                reached = [.. margins.Select(margin => margin > 0)];
            }

            long[] stay = Rows.Where(reached, false);
            if (stay.Length == 0)
                return scope.MoveToOuter(best.Images);
            if (stay.Length == rows.Length)
                continue;
            (batch, ball, rows, point) = (batch.Select(stay), ball.Select(stay), rows.At(stay), point.At(stay));
            rule.Keep(stay);
        }

        best.Take(point, tensor(model.MarginsAt(batch, point)), rows: rows);
        return scope.MoveToOuter(best.Images);
    }
}
