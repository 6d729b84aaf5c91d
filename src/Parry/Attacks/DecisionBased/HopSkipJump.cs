using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// HopSkipJump (Chen, Jordan, Wainwright, 2019, 1904.02144): looks for the smallest perturbation in L2 or Linf with
/// labels only, [N, C, H, W] to the same, targeted or not. From a point on the decision boundary it asks for labels all
/// around, takes their mean direction as the boundary's normal, steps along it by a length found by halving, and
/// returns to the boundary by a binary search towards the image. The defaults are the authors': 64 iterations of 100·√t
/// queries (at most 10,000), a step of distance/√t first, θ = γ/(d·√d) in L2 and γ/d² in Linf with γ = 1. Starting
/// points are uniform noise, up to 10,000 draws for each image, or <see cref="StartingImages"/>; an image for which
/// none of them reaches the goal is returned clean. Deviations: halving stops after 20 times, and then the point stays
/// where it is; the nearest of all points on the boundary is returned, not the last; of 16 noise images drawn at once
/// the one with the nearest blend is taken.
/// </summary>
public sealed record HopSkipJump : IAttack<IPredictor>
{
    private const double FirstRadius = 0.1;
    private const int MostHalvings = 20;

    // Labels are asked for in portions: what lies in the cache, the model answers twice as fast.
    private const int Portion = 128;
    private static readonly long[] s_image = [1, 2, 3];

    /// <inheritdoc/>
    public string Name => "hsj";

    /// <summary>L2 or Linf.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.L2, Norm.Linf)]
    public Norm Norm
    {
        get;
        init =>
            field = value is Norm.L2 or Norm.Linf
                ? value
                : throw new ArgumentOutOfRangeException(
                    nameof(value),
                    $"HopSkipJump works in L2 and Linf, not in {value}."
                );
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
    public Tensor Perturb(IPredictor model, Batch batch)
    {
        using var scope = NewDisposeScope();
        var (points, found) = StartingPoint.Find(model, batch, StartingImages);
        long[] started = Rows.Where(found, true);
        if (started.Length > 0)
            points.Put(started, Walk(model, batch.Select(started), points.At(started)));
        return scope.MoveToOuter(points);
    }

    private Tensor Walk(IPredictor model, Batch batch, Tensor start)
    {
        using var scope = NewDisposeScope();
        double pixels = (double)start.numel() / batch.Count;
        Tensor point = start.clone(),
            best = start.clone(),
            before = Distances(model, batch, start);
        Tensor nearest = ones_like(before).mul_(double.PositiveInfinity),
            distance = before.clone();
        ToBoundary(start);
        for (int t = 1; t <= Steps; t++)
        {
            using var inner = NewDisposeScope();
            // δ = √d·θ·distance in L2 and d·θ·distance in Linf: both γ·distance/d.
            Tensor radius = t == 1 ? ones_like(before).mul_(FirstRadius) : before.mul(Gamma / pixels);
            Tensor direction = Normal(model, batch, point, radius, t);
            ToBoundary(
                Step(
                    model,
                    batch,
                    point,
                    direction,
                    [.. distance.reshape(-1).ToArray<float>().Select(length => length / Math.Sqrt(t))]
                )
            );
        }

        return scope.MoveToOuter(best);

        void ToBoundary(Tensor outside)
        {
            using var inner = NewDisposeScope();
            double threshold = Norm == Norm.L2 ? Gamma / (pixels * Math.Sqrt(pixels)) : Gamma / (pixels * pixels);
            int halvings = Math.Max(0, (int)Math.Ceiling(Math.Log2(1 / threshold)));
            before.copy_(Distances(model, batch, outside));
            Func<Tensor, Tensor, Tensor, Tensor> path =
                Norm == Norm.L2
                    ? StartingPoint.Blend
                    : (clean, far, part) =>
                    {
                        Tensor length = part.mul(before);
                        return far.maximum(clean.sub(length)).minimum(clean.add(length)).clamp_(0.0, 1.0);
                    };
            point.copy_(StartingPoint.Approach(model, batch, outside, halvings, path));
            distance.copy_(Distances(model, batch, point));
            best.copy_(where(distance.lt(nearest), point, best));
            nearest.copy_(nearest.minimum(distance));
        }
    }

    // The mean of directions in which the goal is reached, less those in which it is not.
    private Tensor Normal(IPredictor model, Batch batch, Tensor points, Tensor radius, int step)
    {
        using var scope = NewDisposeScope();
        Tensor result = zeros_like(points);
        int queries = (int)Math.Min(InitialQueries * Math.Sqrt(step), MostQueries);
        int rowsAtOnce = Math.Max(1, Portion / queries);
        for (long from = 0; from < batch.Count; from += rowsAtOnce)
        {
            using var inner = NewDisposeScope();
            long[] rows = [.. Rows.All(batch.Count).Skip((int)from).Take(rowsAtOnce)];
            result.Put(rows, NormalOf(model, batch.Select(rows), points.At(rows), radius.At(rows), step, queries));
        }

        return scope.MoveToOuter(
            Norm == Norm.Linf
                ? result.sign()
                : result.div(linalg.vector_norm(result, 2, s_image, true).clamp_min(1e-30))
        );
    }

    private Tensor NormalOf(IPredictor model, Batch batch, Tensor points, Tensor radius, int step, int queries)
    {
        using var scope = NewDisposeScope();
        long[] shape = points.shape[1..];
        SampleRandom random = batch.Random.Fork(step);
        Tensor centers = points.unsqueeze(1),
            radii = radius.unsqueeze(1);
        Tensor signed = zeros([batch.Count, 1, points.numel() / batch.Count]),
            all = zeros_like(signed),
            signs = zeros([batch.Count, 1, 1]);
        for (int from = 0; from < queries; from += Portion)
        {
            using var inner = NewDisposeScope();
            int count = Math.Min(Portion, queries - from);
            long[] drawn = [count, .. shape];
            Tensor noise =
                Norm == Norm.L2 ? random.Normal(from, drawn) : random.Uniform(from, drawn).mul_(2.0).add_(-1.0);
            Tensor around = noise
                .mul_(radii.div(linalg.vector_norm(noise, 2, [2, 3, 4], true)))
                .add_(centers)
                .clamp_(0.0, 1.0);
            Tensor reached = batch
                .Goal.Repeat(count)
                .IsReached(model.Predict(batch.With(around.reshape([-1, .. shape]))));
            Tensor sign = reached.to(ScalarType.Float32).mul_(2.0).add_(-1.0).reshape(batch.Count, 1, count);

            // The directions that were really taken, after clipping. Dividing by δ, one number for each image, would
            // not turn their mean.
            Tensor taken = around.sub(centers).reshape(batch.Count, count, -1);
            signed.add_(MatrixProduct.Of(sign, taken));
            all.add_(MatrixProduct.Of(ones_like(sign), taken));
            signs.add_(sign.sum(2, true));
        }

        // The baseline, the mean sign, is taken off only where signs are mixed: elsewhere nothing would be left.
        Tensor mean = signs.div((double)queries);
        Tensor mixed = mean.abs().lt(1.0).to(ScalarType.Float32);
        return scope.MoveToOuter(signed.addcmul_(all, mean.mul(mixed), -1.0).reshape([-1, .. shape]));
    }

    // The longest step of those halved in turn that still reaches the goal; none where all fail.
    private static Tensor Step(IPredictor model, Batch batch, Tensor points, Tensor direction, double[] lengths)
    {
        using var scope = NewDisposeScope();
        Tensor result = points.clone();
        long[] open = Rows.All(batch.Count);
        for (int halving = 0; halving <= MostHalvings && open.Length > 0; halving++)
        {
            using var inner = NewDisposeScope();
            Batch rest = batch.Select(open);
            Tensor tried = direction
                .At(open)
                .mul_(Rows.Column(lengths.At(open).Select(length => Math.ScaleB(length, -halving))))
                .add_(points.At(open))
                .clamp_(0.0, 1.0);
            bool[] reached = rest.Goal.IsReached(model.Predict(rest.With(tried))).ToArray<bool>();
            long[] hits = Rows.Where(reached, true);
            if (hits.Length > 0)
                result.Put(open.At(hits), tried.At(hits));
            open = open.At(Rows.Where(reached, false));
        }

        return scope.MoveToOuter(result);
    }

    private Tensor Distances(IPredictor model, Batch batch, Tensor points) =>
        Norm.Of(points.sub(batch.Images)).reshape(-1, 1, 1, 1);
}
