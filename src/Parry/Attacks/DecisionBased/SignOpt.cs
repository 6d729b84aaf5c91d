using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// Sign-OPT (Cheng, Singh, Chen, Chen, Liu, Hsieh, 2019, 1909.10773): looks for the smallest L2 perturbation with
/// labels only, [N, C, H, W] to the same, targeted or not. It turns the direction θ from the image, to make g(θ)
/// small, the distance at which the goal is reached. Whether g grows along a random direction u takes one query at
/// the old distance; the mean of the directions by these signs stands for the gradient. Each step goes against it, by
/// a length α that is doubled while that leads nearer, or divided by 4 until it does. The defaults are the authors':
/// 200 directions of length β = 0.001, α = 0.2 at first, distances to β/500, 20,000 queries, of which the last step
/// may spend a few more. Where no α helps, it is 1 again and β a tenth, down to 1e-8. Starting points are uniform
/// noise, up to 10,000 draws for each image, then other images of the run (<see cref="Start"/>), or
/// <see cref="StartingImages"/>; an image for which none of them reaches the goal is returned clean. Deviations:
/// points are clipped to the box, and distances, slopes and directions are those after that; the mean sign is taken
/// off the signs, as in HopSkipJump; a direction that does not reach the goal at the old distance is dropped, where
/// the authors' code goes on to measure how much farther it does.
/// </summary>
public sealed record SignOpt : IAttack<IPredictor>, IBoundarySearch
{
    private const int MostTries = 15;
    private const double Growth = 2;
    private const double Drop = 0.25;
    private const double Shrinkage = 0.99;
    private const double LeastStep = 1e-4;
    private const double LeastLength = 1e-8;
    private const double Precision = 500;

    /// <inheritdoc/>
    public string Name => "sign-opt";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>The queries after which an image is done.</summary>
    [Option("queries", "queries after which an image is done", Min = 1)]
    public int Queries { get; init; } = 20_000;

    /// <summary>K: the random directions of one estimate.</summary>
    [Option("directions", "random directions of one estimate", Min = 1)]
    public int Directions { get; init; } = 200;

    /// <summary>α: the first step length.</summary>
    [Option("alpha", "first step length", Min = 1e-4)]
    public double Alpha { get; init; } = 0.2;

    /// <summary>β: the first length of random directions, as a part of the distance.</summary>
    [Option("beta", "length of random directions, as a part of the distance", Min = 1e-8)]
    public double Beta { get; init; } = 0.001;

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
        StartingPoint.SearchFrom(
            model,
            batch,
            StartingImages,
            Start,
            (rows, start) => new Walk(this, model, rows, start).Run()
        );

    /// <summary>The search from points that reach the goal.</summary>
    private sealed class Walk
    {
        private readonly SignOpt _attack;
        private readonly Batch _batch;
        private readonly LabelQueries _labels;
        private readonly Tensor _points;
        private readonly double[] _distances;
        private readonly double[] _alpha;
        private readonly double[] _beta;

        public Walk(SignOpt attack, IPredictor model, Batch batch, Tensor start)
        {
            (_attack, _batch, _labels) = (attack, batch, new LabelQueries(model, batch, attack.Queries));
            _points = start.clone();
            _distances = Distances(start, batch.Images);
            _alpha = [.. Enumerable.Repeat(attack.Alpha, batch.Count)];
            _beta = [.. Enumerable.Repeat(attack.Beta, batch.Count)];
        }

        public Tensor Run()
        {
            using var scope = NewDisposeScope();
            Turn(Rows.All(_batch.Count), Direction.Unit(_points - _batch.Images));
            for (int step = 1; ; step++)
            {
                long[] rows = [.. _labels.Open.Where(row => _beta[row] >= LeastLength)];
                if (rows.Length == 0)
                    return _points;
                using var inner = NewDisposeScope();
                Tensor theta = Direction.Unit(_points - _batch.Images);
                Tensor descent = zeros_like(theta);
                descent.Put(rows, Descent(rows, theta.At(rows), step));
                Search(rows, theta, descent);
            }
        }

        // Minus the gradient of the distance: the mean of the directions along which it falls, less those along which
        // it grows.
        private Tensor Descent(long[] rows, Tensor theta, int step)
        {
            using var scope = NewDisposeScope();
            Batch batch = _batch.Select(rows);
            Tensor distance = Rows.Column(_distances.At(rows));
            Tensor beta = Rows.Column(_beta.At(rows));
            Tensor sum = _labels.Normal(rows, _points.At(rows), _attack.Directions, Around);
            return scope.MoveToOuter(sum / (distance * beta * _attack.Directions));

            Tensor Around(long[] some, int from, int count)
            {
                long[] drawn = [count, .. theta.shape[1..]];
                Tensor noise = batch.Select(some).Random.Fork(step).Normal(from, drawn);
                Tensor u = Direction.Unit(noise);
                Tensor turned = theta.At(some).unsqueeze(1) + (beta.At(some).unsqueeze(1) * u);
                Tensor change = distance.At(some).unsqueeze(1) * Direction.Unit(turned);
                return (batch.Images.At(some).unsqueeze(1) + change).clamp(0.0, 1.0);
            }
        }

        // Steps of growing length while they lead nearer; where the first does not, shorter ones until one does.
        private void Search(long[] rows, Tensor theta, Tensor descent)
        {
            var moved = new HashSet<long>();
            long[] open = rows;
            for (int tries = 0; tries < MostTries && open.Length > 0; tries++)
            {
                long[] nearer = Step(open);
                moved.UnionWith(nearer);
                Scale(open, Growth);
                open = nearer;
            }

            open = [.. rows.Where(row => !moved.Contains(row))];
            for (int tries = 0; tries < MostTries && open.Length > 0; tries++)
            {
                Scale(open, Drop);
                long[] nearer = Step(open);
                open = [.. open.Except(nearer)];
            }

            foreach (long row in rows.Where(row => _alpha[row] < LeastStep))
                (_alpha[row], _beta[row]) = (1, _beta[row] / 10);

            long[] Step(long[] some)
            {
                using var scope = NewDisposeScope();
                Tensor alpha = Rows.Column(_alpha);
                return Turn(some, Direction.Unit(theta + (alpha * descent)));
            }
        }

        private void Scale(long[] rows, double factor)
        {
            foreach (long row in rows)
                _alpha[row] *= factor;
        }

        // Turns to the directions in which the goal is reached nearer than before. Returns the rows that do.
        private long[] Turn(long[] rows, Tensor directions)
        {
            using var scope = NewDisposeScope();
            Tensor Ray(long[] some, Tensor length) =>
                (_batch.Images.At(some) + (length * directions.At(some))).clamp(0.0, 1.0);

            bool[] reached = _labels.Reach(rows, Ray(rows, Rows.Column(_distances.At(rows))));
            rows = rows.At(Rows.Where(reached, true));
            double[] old = _distances.At(rows);
            double[] shrunk = [.. old.Select(distance => Shrinkage * distance)];
            bool[] nearer = _labels.Reach(rows, Ray(rows, Rows.Column(shrunk)));
            double[] beyond = [.. nearer.Select((near, i) => near ? shrunk[i] : old[i])];
            double[] before = [.. nearer.Select((near, i) => near ? 0 : shrunk[i])];
            double[] met = _labels.Meet(rows, beyond, before, row => _beta[row] / Precision * _distances[row], Ray);
            Tensor points = Ray(rows, Rows.Column(met));
            double[] distances = Distances(points, _batch.Images.At(rows));
            long[] better = Rows.Where([.. distances.Zip(old, (now, then) => now < then)], true);
            foreach (long i in better)
                _distances[rows[i]] = distances[i];
            _points.Put(rows.At(better), points.At(better));
            return rows.At(better);
        }

        private static double[] Distances(Tensor points, Tensor images) =>
            [.. Norm.L2.Of(points - images).ToArray<float>().Select(length => (double)length)];
    }
}
