using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// The boundary attack (Brendel, Rauber, Bethge, 2017, 1712.04248): looks for the smallest L2 perturbation with labels
/// only, [N, C, H, W] to the same, targeted or not. From a point beyond the decision boundary it draws steps on the
/// sphere around the image, followed by steps towards it, and takes what still reaches the goal; how often that is
/// steers the lengths of both. The defaults are foolbox's, of the same authors: 25,000 steps, both lengths 0.01 of the
/// distance at first, changed by 1.5, an image done when its step towards it is below 1e-7. Starting points are uniform
/// noise, up to 10,000 draws for each image, or <see cref="StartingImages"/>; an image for which none of them reaches
/// the goal is returned clean. As in foolbox, and not in the paper, the label on the sphere is asked for only in every
/// tenth step, when the lengths are reconsidered, and every step that is nearer counts, whether its point on the sphere
/// reaches the goal or not.
/// </summary>
public sealed record BoundaryAttack : IAttack<IPredictor>
{
    private const int Reconsider = 10;
    private static readonly long[] s_image = [1, 2, 3];

    /// <inheritdoc/>
    public string Name => "boundary";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>The number of steps.</summary>
    [Option("steps", "steps of the walk", Min = 1)]
    public int Steps { get; init; } = 25_000;

    /// <summary>The first length of a step on the sphere, as a part of the distance.</summary>
    [Option("spherical-step", "first step on the sphere around the image, as a part of the distance")]
    public double SphericalStep { get; init; } = 0.01;

    /// <summary>The first length of a step towards the image, as a part of the distance.</summary>
    [Option("source-step", "first step towards the image, as a part of the distance")]
    public double SourceStep { get; init; } = 0.01;

    /// <summary>Below which step towards it an image is done.</summary>
    [Option("convergence", "an image is done when its step towards it is shorter")]
    public double Convergence { get; init; } = 1e-7;

    /// <summary>By which factor the lengths change, above 1.</summary>
    [Option("adaptation", "by which factor the steps change", Min = 1)]
    public double Adaptation { get; init; } = 1.5;

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

    private Tensor Walk(IPredictor model, Batch batch, Tensor points)
    {
        using var scope = NewDisposeScope();
        Tensor result = points.clone(),
            point = points.clone();
        long[] rows = Rows.All(batch.Count);
        Pace[] paces = [.. rows.Select(_ => new Pace(SphericalStep, SourceStep))];
        Tensor spherical = Lengths(pace => pace.Spherical),
            source = Lengths(pace => pace.Source);
        for (int step = 1; step <= Steps; step++)
        {
            bool reconsider = step % Reconsider == 0;
            using (NewDisposeScope())
            {
                Tensor towards = batch.Images.sub(point),
                    distance = Length(towards);
                Tensor onSphere = Circle(model, batch, towards, distance, spherical, step);
                Tensor nearer = Approach(batch.Images, onSphere, distance, source);

                // Both points of a sample stand next to each other.
                Tensor asked = reconsider ? stack([nearer, onSphere], 1).flatten(0, 1) : nearer;
                Tensor reached = (reconsider ? batch.Goal.Repeat(2) : batch.Goal).IsReached(
                    model.Predict(batch.With(asked))
                );
                Tensor[] verdicts = reconsider
                    ? [reached.slice(0, 0, 2L * batch.Count, 2), reached.slice(0, 1, 2L * batch.Count, 2)]
                    : [reached];
                Tensor better = verdicts[0]
                    .reshape(-1, 1, 1, 1)
                    .logical_and(Length(batch.Images.sub(nearer)).lt(distance));
                point.copy_(where(better, nearer, point));
                if (!reconsider)
                    continue;
                bool[] ends = verdicts[0].ToArray<bool>(),
                    spheres = verdicts[1].ToArray<bool>();
                for (int i = 0; i < paces.Length; i++)
                    paces[i].Learn(spheres[i], ends[i], Adaptation);
            }

            long[] stay = Rows.Where([.. paces.Select(pace => pace.Source >= Convergence)], true);
            if (stay.Length < rows.Length)
            {
                result.Put(rows, point);
                if (stay.Length == 0)
                    return scope.MoveToOuter(result);
                (batch, point, rows, paces) = (batch.Select(stay), point.At(stay), rows.At(stay), paces.At(stay));
            }

            (spherical, source) = (Lengths(pace => pace.Spherical), Lengths(pace => pace.Source));
        }

        result.Put(rows, point);
        return scope.MoveToOuter(result);

        Tensor Lengths(Func<Pace, double> of) => Rows.Column(paces.Select(of));
    }

    // A step in a random direction at right angles to the image, back onto the sphere around it.
    private static Tensor Circle(IPredictor model, Batch batch, Tensor towards, Tensor distance, Tensor step, int draw)
    {
        Tensor noise = batch.Random.Fork(1).Normal(draw, batch.Images.shape.AsSpan(1));
        Tensor along = noise.mul(towards).sum(s_image, true).div(distance.mul(distance));
        noise.addcmul_(towards, along, -1.0);
        noise.mul_(step.mul(distance).div(Length(noise)));
        return noise.add_(towards, -1.0).mul_(step.mul(step).add_(1.0).pow(-0.5)).add_(batch.Images).clamp_(0.0, 1.0);
    }

    // A step towards the image, whose length makes up for what clipping has done to the distance.
    private static Tensor Approach(Tensor images, Tensor onSphere, Tensor distance, Tensor step)
    {
        Tensor towards = images.sub(onSphere),
            left = Length(towards);
        Tensor part = step.mul(distance).add_(left).add_(distance, -1.0).clamp_min(0.0).div(left);
        return towards.mul_(part).add_(onSphere).clamp_(0.0, 1.0);
    }

    private static Tensor Length(Tensor vectors) => linalg.vector_norm(vectors, 2, s_image, true).clamp_min(1e-12);

    /// <summary>The lengths of one sample's steps, and how often its last ones succeeded.</summary>
    private sealed class Pace(double spherical, double source)
    {
        private readonly Record _spheres = new(100),
            _ends = new(30);

        public double Spherical { get; private set; } = spherical;

        public double Source { get; private set; } = source;

        /// <summary>
        /// About half of the points on the sphere should reach the goal, as beside a flat boundary, and of the ends
        /// between a tenth and a quarter. Those are chances of the two steps together: the paper's are of the second
        /// alone.
        /// </summary>
        public void Learn(bool sphere, bool end, double factor)
        {
            double change = _spheres.Add(sphere) is { } kept
                ? kept > 0.5
                    ? factor
                    : kept < 0.2
                        ? 1 / factor
                        : 1
                : 1;
            if (change != 1)
                _spheres.Clear();
            Spherical *= change;
            Source *= change;
            change = _ends.Add(end) is { } arrived
                ? arrived > 0.25
                    ? factor
                    : arrived < 0.1
                        ? 1 / factor
                        : 1
                : 1;
            if (change != 1)
                _ends.Clear();
            Source *= change;
        }
    }

    /// <summary>The last verdicts.</summary>
    private sealed class Record(int length)
    {
        private readonly Queue<bool> _last = new(length);
        private int _good;

        /// <summary>Adds one and gives the share of good ones, once there are enough.</summary>
        public double? Add(bool good)
        {
            if (_last.Count == length && _last.Dequeue())
                _good--;
            _last.Enqueue(good);
            if (good)
                _good++;
            return _last.Count == length ? (double)_good / length : null;
        }

        public void Clear()
        {
            _last.Clear();
            _good = 0;
        }
    }
}
