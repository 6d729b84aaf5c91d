using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// HopSkipJump (Chen, Jordan, Wainwright, 2019, 1904.02144): looks for the smallest perturbation in L2 or Linf with
/// labels only, [N, C, H, W] to the same, targeted or not. From a point on the decision boundary it asks for labels
/// all around, takes their mean direction as the boundary's normal, steps along it by a length found by halving, and
/// returns to the boundary by a binary search towards the image. The defaults are the authors': 64 iterations of
/// 100·√t queries (at most 10,000), a step of distance/√t first, θ = γ/(d·√d) in L2 and γ/d² in Linf with γ = 1.
/// Starting points are uniform noise, up to 10,000 draws for each image, then other images of the run
/// (<see cref="Start"/>), or <see cref="StartingImages"/>; an image for which none of them reaches the goal is
/// returned clean. Deviations: halving stops after 20 times, and then the point stays where it is; the nearest of all
/// points on the boundary is returned, not the last; of 16 noise images drawn at once the one with the nearest blend
/// is taken.
/// </summary>
public sealed record HopSkipJump : IAttack<IPredictor>, IBoundarySearch
{
    private const double FirstRadius = 0.1;
    private const int MostHalvings = 20;
    private const double Smallest = 1e-30;

    /// <inheritdoc/>
    public string Name => "hsj";

    /// <summary>L2 or Linf.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.L2, Norm.Linf)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.L2, Norm.Linf);
    } = Norm.L2;

    /// <summary>The number of steps along the boundary.</summary>
    [Option("steps", "steps along the boundary", Min = 1)]
    public int Steps { get; init; } = 64;

    /// <summary>B₀: queries around the first point; around the t-th √t times as many.</summary>
    [Option("queries", "queries around the first point; around the t-th √t times as many", Min = 1)]
    public int InitialQueries { get; init; } = 100;

    /// <summary>The most queries around one point.</summary>
    [Option("most", "the most queries around one point", Min = 1)]
    public int MostQueries { get; init; } = 10_000;

    /// <summary>γ: how exactly the binary search finds the boundary.</summary>
    [Option("gamma", "tolerance of the binary search", Min = 1e-6)]
    public double Gamma { get; init; } = 1;

    /// <summary>
    /// Images to start from in place of noise, [M, C, H, W] in [0, 1], such as training images of the wanted classes;
    /// null for noise.
    /// </summary>
    public Tensor? StartingImages { get; init; }

    /// <inheritdoc/>
    [Option("start", "where the first image that reaches the goal is looked for")]
    public StartFrom Start { get; init; } = StartFrom.NoiseThenImages;

    /// <inheritdoc/>
    public Tensor Perturb(IPredictor model, Batch batch) =>
        StartingPoint.SearchFrom(model, batch, StartingImages, Start, (rows, start) => Walk(model, rows, start));

    private Tensor Walk(IPredictor model, Batch batch, Tensor start)
    {
        using var scope = NewDisposeScope();
        double d = (double)start.numel() / batch.Count;
        double theta = Norm == Norm.L2 ? Gamma / (d * Math.Sqrt(d)) : Gamma / (d * d);
        int halvings = Math.Max(0, (int)Math.Ceiling(Math.Log2(1 / theta)));
        Tensor point = start.clone();
        Tensor best = start.clone();
        Tensor nearest = full([batch.Count, 1, 1, 1], double.PositiveInfinity);
        Tensor outside = start;
        for (int t = 1; ; t++)
        {
            using var inner = NewDisposeScope();
            Tensor distanceOutside = Distance(batch, outside);
            point.copy_(StartingPoint.Approach(model, batch, outside, halvings, PathFrom(distanceOutside)));
            Tensor distance = Distance(batch, point);
            best.copy_(where(distance < nearest, point, best));
            nearest.copy_(nearest.minimum(distance));
            if (t > Steps)
                return scope.MoveToOuter(best);

            // δ = √d·θ·distance in L2 and d·θ·distance in Linf: both γ·distance/d.
            Tensor delta = t == 1 ? full_like(distance, FirstRadius) : Gamma / d * distanceOutside;
            Tensor direction = Normal(model, batch, point, delta, t);
            Tensor next = LongestStep(model, batch, point, direction, distance / Math.Sqrt(t));
            outside = inner.MoveToOuter(next);
        }
    }

    // The ways that the binary search takes: straight in L2, along the box of the distance in Linf.
    private Func<Tensor, Tensor, Tensor, Tensor> PathFrom(Tensor distance) =>
        Norm == Norm.L2
            ? StartingPoint.Blend
            : (clean, far, part) =>
            {
                Tensor length = part * distance;
                return far.maximum(clean - length).minimum(clean + length).clamp(0.0, 1.0);
            };

    // The normal of the boundary: the mean of directions in which the goal is reached, less those in which it is not.
    private Tensor Normal(IPredictor model, Batch batch, Tensor points, Tensor delta, int step)
    {
        using var scope = NewDisposeScope();
        int queries = (int)Math.Min(InitialQueries * Math.Sqrt(step), MostQueries);
        Tensor normal = BoundaryNormal.Estimate(model, batch, points, queries, Around);
        return scope.MoveToOuter(
            Norm == Norm.Linf ? normal.sign() : normal / Norm.L2.Of(normal, keepdim: true).clamp_min(Smallest)
        );

        Tensor Around(long[] rows, int from, int count)
        {
            long[] drawn = [count, .. points.shape[1..]];
            SampleRandom random = batch.Select(rows).Random.Fork(step);
            Tensor noise = Norm == Norm.L2 ? random.Normal(from, drawn) : (2 * random.Uniform(from, drawn)) - 1;
            Tensor move = delta.At(rows).unsqueeze(1) * Direction.Unit(noise);
            return (points.At(rows).unsqueeze(1) + move).clamp(0.0, 1.0);
        }
    }

    // The longest step of those halved in turn that still reaches the goal; none where all fail.
    private static Tensor LongestStep(IPredictor model, Batch batch, Tensor points, Tensor direction, Tensor length)
    {
        using var scope = NewDisposeScope();
        Tensor result = points.clone();
        long[] open = Rows.All(batch.Count);
        for (int halving = 0; halving <= MostHalvings && open.Length > 0; halving++)
        {
            using var inner = NewDisposeScope();
            Batch rest = batch.Select(open);
            Tensor step = length.At(open) * Math.ScaleB(1, -halving) * direction.At(open);
            Tensor tried = (points.At(open) + step).clamp(0.0, 1.0);
            bool[] reached = rest.Goal.IsReached(model.Predict(rest.With(tried))).ToArray<bool>();
            long[] hits = Rows.Where(reached, true);
            result.Put(open.At(hits), tried.At(hits));
            open = open.At(Rows.Where(reached, false));
        }

        return scope.MoveToOuter(result);
    }

    private Tensor Distance(Batch batch, Tensor points) => Norm.Of(points - batch.Images, keepdim: true);
}
