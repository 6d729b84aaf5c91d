using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// Noise search: random points of the ball, one after the other, until the label changes. It needs no gradients, so it
/// finds what masked gradients hide; that it should find less than a white-box attack is a test of that attack. Linf or
/// L2 within a budget, targeted or not.
/// </summary>
public sealed record NoiseSearch : IBudgetAttack<IPredictor>
{
    /// <inheritdoc/>
    public string Name => "noise-search";

    /// <summary>Linf or L2.</summary>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2)]
    public Norm Norm { get; init; } = Norm.Linf;

    /// <inheritdoc/>
    [Option("eps", "the largest perturbation")]
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The number of points that are tried.</summary>
    [Option("tries", "points that are tried", Min = 1)]
    public int Tries { get; init; } = 100;

    /// <inheritdoc/>
    public Tensor Perturb(IPredictor model, Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        Tensor found = batch.Images.clone();
        var ball = new Ball(Norm, batch.Images, epsilon);
        long[] rows = Rows.All(batch.Count);
        for (int t = 0; t < Tries && rows.Length > 0; t++)
        {
            bool[] hit;
            using (NewDisposeScope())
            {
                Tensor points = ball.Draw(batch.Random.Fork(t));
                hit = batch.Goal.IsReached(model.Predict(batch.With(points))).ToArray<bool>();
                found.Put(rows, points);
            }

            // Finished images leave: model, goal and random draws go with those that stay.
            long[] stay = Rows.Where(hit, false);
            if (stay.Length == rows.Length)
                continue;
            (batch, ball, rows) = (batch.Select(stay), ball.Select(stay), rows.At(stay));
        }

        return scope.MoveToOuter(found);
    }
}
