using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// SurFree (Maho, Furon, Le Merrer, 2020, 2011.12807): looks for the smallest L2 perturbation with labels only,
/// [N, C, H, W] to the same, targeted or not, without estimating gradients. The point beyond the boundary moves on a
/// circle through itself and the image, in the plane of a random direction: turned by the angle θ it is nearer by the
/// factor cos θ. Both sides are tried; where one reaches the goal, the turn goes on until it does no longer, and is
/// then halved to 1 % of the distance. The angle that is tried falls by ρ after a failure and rises after a success.
/// Directions have the tanh of the image's own spectrum, of the lower half of the frequencies, with random signs and
/// zeros, and are orthogonal to those before. The defaults are the authors': 5,000 queries, of which the last step may
/// spend a few more, 30 degrees at first, ρ = 0.95, 100 directions before. Starting points are uniform noise, up to
/// 10,000 draws for each image, then other images of the run (<see cref="Start"/>), or <see cref="StartingImages"/>;
/// an image for which none of them reaches the goal is returned clean. Deviations: directions are orthogonal to the
/// point's own at each step, where the authors' code keeps the first, and to at most half as many as there are
/// frequencies; the other side is not tried again while a turn is halved.
/// </summary>
public sealed record SurFree : IAttack<IPredictor>, IBoundarySearch
{
    // Of the distance.
    private const double Tolerance = 0.01;
    private const int Halvings = 10;
    private const double RightAngle = Math.PI / 2;

    // Of the directions that are kept, in float32 values: 256 MB.
    private const long Most = 1 << 26;

    /// <inheritdoc/>
    public string Name => "surfree";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>The queries after which an image is done.</summary>
    [Option("queries", "queries after which an image is done", Min = 1)]
    public int Queries { get; init; } = 5_000;

    /// <summary>The first angle that is tried, in degrees.</summary>
    [Option("angle", "first angle that is tried, in degrees", Min = 0.1, Max = 90)]
    public double Angle { get; init; } = 30;

    /// <summary>ρ: by which the angle falls after a failure.</summary>
    [Option("rho", "factor of the angle after a failure", Min = 0.01, Max = 1)]
    public double Rho { get; init; } = 0.95;

    /// <summary>The part of the frequencies that directions have, the lowest; about half of all at 0.5.</summary>
    [Option("frequencies", "part of the frequencies that directions have, the lowest", Min = 0.01, Max = 1)]
    public double Frequencies { get; init; } = 0.5;

    /// <summary>How many directions a new one is orthogonal to.</summary>
    [Option("orthogonal", "how many directions before it a new one is orthogonal to", Min = 1)]
    public int Orthogonal { get; init; } = 100;

    /// <summary>
    /// Images to start from in place of noise, [M, C, H, W] in [0, 1], such as training images of the wanted classes;
    /// null for noise.
    /// </summary>
    public Tensor? StartingImages { get; init; }

    /// <inheritdoc/>
    [Option("start", "where the first image that reaches the goal is looked for")]
    public StartFrom Start { get; init; } = StartFrom.NoiseThenImages;

    /// <inheritdoc/>
    public Tensor Perturb(IPredictor model, Batch batch)
    {
        long values = Orthogonal * batch.Images.numel() / batch.Count;
        return StartingPoint.SearchFrom(
            model,
            batch,
            StartingImages,
            Start,
            (rows, start) => Walk(model, rows, start),
            Most / values
        );
    }

    private Tensor Walk(IPredictor model, Batch batch, Tensor start)
    {
        using var scope = NewDisposeScope();
        var labels = new LabelQueries(model, batch, Queries);
        var directions = new Directions(batch.Images, Frequencies, Orthogonal);
        Tensor point = start.clone();
        double[] angles = [.. Enumerable.Repeat(Angle / 180 * Math.PI, batch.Count)];
        for (int step = 1; ; step++)
        {
            using var inner = NewDisposeScope();
            long[] rows = labels.Open;
            if (rows.Length == 0)
                break;
            Tensor change = point - batch.Images;
            Tensor distance = Norm.L2.Of(change, keepdim: true);
            Tensor u = Direction.Unit(change);
            Tensor v = zeros_like(u);
            v.Put(rows, directions.Draw(rows, u.At(rows), batch.Select(rows).Random.Fork(step)));
            var sides = new double[batch.Count];
            long[] moved = [.. Turn(1, rows), .. Turn(-1, [.. rows.Where(row => sides[row] == 0)])];
            if (moved.Length > 0)
                point.Put(moved, Circle(moved, Rows.Column(Farthest(labels, moved, angles.At(moved), Circle))));
            foreach (long row in rows)
                angles[row] = Math.Min(angles[row] * (sides[row] == 0 ? Rho : 1 / Rho), RightAngle);

            // Turns rows to a side by their angles. Returns those that reach the goal there, and notes their side.
            long[] Turn(double side, long[] some)
            {
                if (some.Length == 0)
                    return [];
                foreach (long row in some)
                    sides[row] = side;
                bool[] reached = labels.Reach(some, Circle(some, Rows.Column(angles.At(some).Select(Gain))));
                foreach (long row in some.At(Rows.Where(reached, false)))
                    sides[row] = 0;
                return some.At(Rows.Where(reached, true));
            }

            // The points of the circles that are nearer to the images by this part of the distance.
            Tensor Circle(long[] some, Tensor gain)
            {
                Tensor cos = 1 - gain;
                Tensor sin = Rows.Column(sides.At(some)) * (1 - (cos * cos)).sqrt();
                Tensor turned = (cos * u.At(some)) + (sin * v.At(some));
                return (batch.Images.At(some) + (distance.At(some) * cos * turned)).clamp(0.0, 1.0);
            }
        }

        return scope.MoveToOuter(StartingPoint.Approach(model, batch, point, Halvings, StartingPoint.Blend));
    }

    // What turns by multiples of angles gain while they reach the goal, and then by halving.
    private static double[] Farthest(
        LabelQueries labels,
        long[] rows,
        double[] angles,
        Func<long[], Tensor, Tensor> circle
    )
    {
        double[] beyond = [.. angles.Select(Gain)];
        var before = new double[rows.Length];
        long[] open = Rows.All(rows.Length);
        for (int times = 2; open.Length > 0; times++)
        {
            foreach (long i in open)
                before[i] = Gain(times * angles[i]);

            // At a right angle is the image itself.
            open = [.. open.Where(i => before[i] < 1)];
            if (open.Length == 0)
                break;
            using var scope = NewDisposeScope();
            bool[] reached = labels.Reach(rows.At(open), circle(rows.At(open), Rows.Column(before.At(open))));
            open = open.At(Rows.Where(reached, true));
            foreach (long i in open)
                beyond[i] = before[i];
        }

        return labels.Meet(rows, beyond, before, _ => Tolerance, circle);
    }

    // By which part of the distance a point gets nearer that turns by an angle.
    private static double Gain(double angle) => 1 - Math.Cos(Math.Min(angle, RightAngle));

    /// <summary>Random directions of low frequency, orthogonal to those before.</summary>
    private sealed class Directions
    {
        private readonly Cosines _cosines;
        private readonly Tensor _spectra;
        private readonly Tensor _before;
        private long _drawn;

        public Directions(Tensor images, double part, int orthogonal)
        {
            var (height, width) = (images.size(2), images.size(3));
            _cosines = new Cosines(height, width);
            using var scope = NewDisposeScope();
            float[] isLow =
            [
                .. from i in Enumerable.Range(0, (int)height)
                from j in Enumerable.Range(0, (int)width)
                select ((double)i / height) + ((double)j / width) < 2 * part ? 1f : 0,
            ];
            Tensor spectra = _cosines.Of(images) * (2 * Math.Sqrt(height * width));
            _spectra = scope.MoveToOuter(spectra.tanh() * tensor(isLow, [height, width]));
            long frequencies = images.size(1) * isLow.Count(low => low > 0);
            long kept = Math.Clamp(frequencies / 2, 1, orthogonal);
            _before = scope.MoveToOuter(zeros([images.size(0), kept, images.numel() / images.size(0)]));
        }

        /// <summary>New directions of rows, of length 1 and orthogonal to u.</summary>
        public Tensor Draw(long[] rows, Tensor u, SampleRandom random)
        {
            using var scope = NewDisposeScope();
            Tensor signs = (3 * random.Uniform(0, u.shape.AsSpan(1))).floor() - 1;
            Tensor drawn = _cosines.Inverse(_spectra.At(rows) * signs);
            Tensor before = rows.Length == _before.size(0) ? _before : _before.At(rows);
            Tensor flat = drawn.reshape(rows.Length, 1, -1);
            Tensor parts = MatrixProduct.Of(flat, before.transpose(1, 2));
            Tensor rest = (flat - MatrixProduct.Of(parts, before)).reshape(u.shape);
            Tensor v = Direction.Along(rest, random, 1);
            _before.select(1, _drawn++ % _before.size(1)).Put(rows, v.flatten(1));
            Tensor along = (u * v).SumPerImage(keepdim: true);
            return scope.MoveToOuter(Direction.Unit(v - (along * u)));
        }
    }
}
