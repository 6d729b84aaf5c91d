using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// GeoDA (Rahmati, Moosavi-Dezfooli, Frossard, Dai, 2020, 2003.06468): looks for the smallest perturbation in L2, Linf
/// or L1 with labels only, [N, C, H, W] to the same, targeted or not. It takes the boundary for a plane: from labels
/// around a point on it, at noise of low frequency, it estimates the normal; then it goes from the image along the
/// normal until the goal is reached, and back to the boundary by a binary search. In Linf the way is along the
/// normal's signs; in L1 values go to the end of the box one after the other, those first at which the normal is
/// largest. The defaults are the authors': 4,000 queries, of which each estimate takes 0.6^(-2/3) times as many as the
/// one before and the first at most 80, noise of the deviation 2e-4 at each frequency, a third of the frequencies in
/// each dimension; but images of up to 32 pixels keep all. Starting points are uniform noise, up to 10,000 draws for
/// each image, then other images of the run (<see cref="Start"/>), or <see cref="StartingImages"/>; an image for which
/// none of them reaches the goal is returned clean. As in the authors' code, and not in the paper, the estimates of
/// all points so far are added up. Deviations: they are added at equal lengths, and estimated as in HopSkipJump, from
/// the directions after clipping and with the mean sign taken off; the way along the normal is doubled, at first the
/// old distance; in L1 the values that change are found by the binary search, not from the plane; the nearest of all
/// points on the boundary is returned, not the last.
/// </summary>
public sealed record GeoDa : IAttack<IPredictor>, IBoundarySearch
{
    // η^(-2/3) of the paper, with η = 0.6.
    private const double Growth = 1.4057;
    private const int MostAtFirst = 80;
    private const int QueriesOfSearch = 25;
    private const int StartHalvings = 15;
    private const int MostDoublings = 8;
    private const double Tolerance = 1e-4;
    private const int Share = 3;

    /// <inheritdoc/>
    public string Name => "geoda";

    /// <summary>L2, Linf or L1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.L2, Norm.Linf, Norm.L1)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.L2, Norm.Linf, Norm.L1);
    } = Norm.L2;

    /// <summary>The queries for an image; searches may spend a few more.</summary>
    [Option("queries", "queries for an image, in round numbers", Min = 1)]
    public int Queries { get; init; } = 4_000;

    /// <summary>
    /// The lowest frequencies in each dimension that noise has; null for all up to 32 pixels, else a third.
    /// </summary>
    [Option(
        "frequencies",
        "frequencies of the noise in each dimension; auto: all up to 32 pixels, else a third",
        Min = 1
    )]
    public int? Frequencies { get; init; }

    /// <summary>σ: the deviation of the noise at each frequency.</summary>
    [Option("sigma", "deviation of the noise at each frequency", Min = 1e-6)]
    public double Sigma { get; init; } = 2e-4;

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
        var labels = new LabelQueries(model, batch, Queries);
        var cosines = new Cosines(start.size(2), start.size(3));
        long[] rows = Rows.All(batch.Count);
        Tensor point = StartingPoint.Approach(model, batch, start, StartHalvings, StartingPoint.Blend);
        var best = new BestSoFar(batch.Images);
        Keep(rows, point);
        Tensor normal = zeros_like(point);
        foreach (var (step, queries) in Plan().Index())
        {
            using var inner = NewDisposeScope();
            SampleRandom random = batch.Random.Fork(step);
            Tensor estimate = labels.Normal(rows, point, queries, Around);
            normal.add_(Direction.Unit(estimate));
            Func<long[], Tensor, Tensor> way = Way(batch.Images, normal);
            double[] far = [.. Norm.Of(point - batch.Images).ToArray<float>().Select(length => (double)length)];
            long[] hits = GoBeyond(labels, rows, far, way);
            double[] met = labels.Meet(hits, far.At(hits), new double[hits.Length], row => Tolerance * far[row], way);
            point.Put(hits, way(hits, Rows.Column(met)));
            Keep(hits, point.At(hits));

            Tensor Around(long[] some, int from, int count)
            {
                Tensor noise = Sigma * Noise(cosines, random.For(batch.Select(some).Samples), from, count, point.shape);
                return (point.At(some).unsqueeze(1) + noise).clamp(0.0, 1.0);
            }
        }

        return scope.MoveToOuter(best.Images);

        void Keep(long[] some, Tensor points) =>
            best.Take(points, ones(some.Length), Norm.Of(points - batch.Images.At(some)), some);
    }

    // The queries of each estimate: as many estimates as it takes that the first has few queries.
    private int[] Plan()
    {
        for (int steps = 1; ; steps++)
        {
            double[] shares = [.. Enumerable.Range(0, steps).Select(step => Math.Pow(Growth, step))];
            double first = (Queries - (steps * QueriesOfSearch)) / shares.Sum();
            if (first <= MostAtFirst)
                return [.. shares.Select(share => (int)Math.Max(1, Math.Round(first * share)))];
        }
    }

    // Doubles how far rows go until they reach the goal. Returns those that do.
    private static long[] GoBeyond(LabelQueries labels, long[] rows, double[] far, Func<long[], Tensor, Tensor> way)
    {
        var hits = new List<long>();
        for (int doubling = 0; doubling <= MostDoublings && rows.Length > 0; doubling++)
        {
            using var scope = NewDisposeScope();
            bool[] reached = labels.Reach(rows, way(rows, Rows.Column(far.At(rows))));
            hits.AddRange(rows.At(Rows.Where(reached, true)));
            rows = rows.At(Rows.Where(reached, false));
            foreach (long row in rows)
                far[row] *= 2;
        }

        return [.. hits.Order()];
    }

    // The ways on which a linear function with these normals grows fastest, for a length in the norm.
    private Func<long[], Tensor, Tensor> Way(Tensor images, Tensor normal)
    {
        if (Norm != Norm.L1)
        {
            Tensor direction = Norm == Norm.Linf ? normal.sign() : Direction.Unit(normal);
            return (rows, length) => (images.At(rows) + (length * direction.At(rows))).clamp(0.0, 1.0);
        }

        // What every value could change, and what those before it have changed by then.
        Tensor room = where(normal > 0, 1 - images, images);
        Tensor order = normal.abs().flatten(1).argsort(1, true);
        Tensor sorted = room.flatten(1).gather(1, order);
        Tensor before = zeros_like(sorted).scatter(1, order, sorted.cumsum(1) - sorted).reshape(images.shape);
        Tensor signs = normal.sign();
        return (rows, length) =>
        {
            Tensor change = (length - before.At(rows)).clamp_min(0.0).minimum(room.At(rows));
            return (images.At(rows) + (signs.At(rows) * change)).clamp(0.0, 1.0);
        };
    }

    // Gaussian numbers at the lowest frequencies, [N, count, C, H, W].
    private Tensor Noise(Cosines cosines, SampleRandom random, int from, int count, long[] shape)
    {
        var (channels, height, width) = (shape[1], shape[2], shape[3]);
        Tensor spectra = random.Normal(from, count, channels, Kept(height), Kept(width));
        return cosines.Inverse(spectra.flatten(0, 1)).reshape(-1, count, channels, height, width);
    }

    private long Kept(long size) => Cosines.Kept(size, Frequencies, Share);
}
