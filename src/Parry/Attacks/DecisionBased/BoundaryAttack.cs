using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// The boundary attack (Brendel, Rauber, Bethge, 2017, 1712.04248): looks for the smallest L2 perturbation with
/// labels only, [N, C, H, W] to the same, targeted or not. From a point beyond the decision boundary it draws steps
/// on the sphere around the image, followed by steps towards it, and takes what still reaches the goal; how often
/// that is steers the lengths of both. The defaults are foolbox's, of the same authors: 25,000 steps, both lengths
/// 0.01 of the distance at first, changed by 1.5, an image done when its step towards it is below 1e-7. Starting
/// points are uniform noise, up to 10,000 draws for each image, then other images of the run (<see cref="Start"/>),
/// or <see cref="StartingImages"/>; an image for which none of them reaches the goal is returned clean. As in
/// foolbox, and not in the paper, the label on the sphere is asked for only in every tenth step, when the lengths are
/// reconsidered, and every step that is nearer counts, whether its point on the sphere reaches the goal or not.
/// </summary>
public sealed record BoundaryAttack : IAttack<IPredictor>, IBoundarySearch
{
    private const int Reconsider = 10;
    private const double Smallest = 1e-12;

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
    [Option("start", "where the first image that reaches the goal is looked for")]
    public StartFrom Start { get; init; } = StartFrom.NoiseThenImages;

    /// <inheritdoc/>
    public Tensor Perturb(IPredictor model, Batch batch) =>
        StartingPoint.SearchFrom(model, batch, StartingImages, Start, (rows, start) => Walk(model, rows, start));

    private Tensor Walk(IPredictor model, Batch batch, Tensor points)
    {
        using var scope = NewDisposeScope();
        Tensor result = points.clone();
        Tensor point = points.clone();
        long[] rows = Rows.All(batch.Count);
        StepSizes[] sizes = [.. rows.Select(_ => new StepSizes(SphericalStep, SourceStep))];
        Tensor spherical = Rows.Column(sizes.Select(size => size.Spherical));
        Tensor source = Rows.Column(sizes.Select(size => size.Source));
        for (int step = 1; step <= Steps; step++)
        {
            bool adapts = step % Reconsider == 0;
            using (NewDisposeScope())
            {
                Tensor distance = Length(batch.Images - point);
                Tensor onSphere = StepOnSphere(batch, point, distance, spherical, step);
                Tensor nearer = StepToImage(batch.Images, onSphere, distance, source);
                Tensor isNearer = Length(batch.Images - nearer) < distance;
                Tensor reached = IsReached(nearer, onSphere, adapts);
                Tensor moves = reached.select(1, 0).reshape(-1, 1, 1, 1) & isNearer;
                point.copy_(where(moves, nearer, point));
                if (!adapts)
                    continue;
                bool[][] verdicts = [.. reached.ToArray<bool>().Chunk(2)];
                for (int i = 0; i < sizes.Length; i++)
                    sizes[i].Adapt(onSphere: verdicts[i][1], nearer: verdicts[i][0], Adaptation);
            }

            long[] stay = Rows.Where([.. sizes.Select(size => size.Source >= Convergence)], true);
            if (stay.Length < rows.Length)
            {
                result.Put(rows, point);
                if (stay.Length == 0)
                    return scope.MoveToOuter(result);
                (batch, point, rows, sizes) = (batch.Select(stay), point.At(stay), rows.At(stay), sizes.At(stay));
            }

            spherical = Rows.Column(sizes.Select(size => size.Spherical));
            source = Rows.Column(sizes.Select(size => size.Source));
        }

        result.Put(rows, point);
        return scope.MoveToOuter(result);

        // Whether the nearer points reach the goal and, where step sizes adapt, those on the sphere: [N, 1 or 2].
        Tensor IsReached(Tensor nearer, Tensor onSphere, bool adapts)
        {
            if (!adapts)
                return batch.Goal.IsReached(model.Predict(batch.With(nearer))).unsqueeze(1);
            Tensor both = stack([nearer, onSphere], 1).flatten(0, 1);
            return batch.Goal.Repeat(2).IsReached(model.Predict(batch.With(both))).reshape(-1, 2);
        }
    }

    // A step in a random direction at right angles to the image, back onto the sphere around it.
    private static Tensor StepOnSphere(Batch batch, Tensor point, Tensor distance, Tensor step, int draw)
    {
        Tensor towards = batch.Images - point;
        Tensor noise = batch.Random.Fork(1).Normal(draw, point.shape.AsSpan(1));
        Tensor along = (noise * towards).SumPerImage(keepdim: true) / (distance * distance);
        Tensor tangent = noise - (along * towards);
        Tensor moved = (step * distance / Length(tangent) * tangent) - towards;
        Tensor back = (1 + (step * step)).sqrt();
        return (batch.Images + (moved / back)).clamp(0.0, 1.0);
    }

    // A step towards the image, whose length makes up for what clipping has done to the distance.
    private static Tensor StepToImage(Tensor images, Tensor onSphere, Tensor distance, Tensor step)
    {
        Tensor towards = images - onSphere;
        Tensor left = Length(towards);
        Tensor part = ((step * distance) + left - distance).clamp_min(0.0) / left;
        return (onSphere + (part * towards)).clamp(0.0, 1.0);
    }

    private static Tensor Length(Tensor vectors) => Norm.L2.Of(vectors, keepdim: true).clamp_min(Smallest);

    /// <summary>The sizes of one sample's steps, and how often its last ones succeeded.</summary>
    private sealed class StepSizes(double spherical, double source)
    {
        private readonly LastVerdicts _onSphere = new(100);
        private readonly LastVerdicts _nearer = new(30);

        public double Spherical { get; private set; } = spherical;

        public double Source { get; private set; } = source;

        /// <summary>
        /// About half of the points on the sphere should reach the goal, as beside a flat boundary, and of the nearer
        /// ones between a tenth and a quarter. Those are chances of the two steps together: the paper's are of the
        /// second alone.
        /// </summary>
        public void Adapt(bool onSphere, bool nearer, double factor)
        {
            double both = _onSphere.Change(onSphere, least: 0.2, most: 0.5, factor);
            Spherical *= both;
            Source *= both * _nearer.Change(nearer, least: 0.1, most: 0.25, factor);
        }
    }

    /// <summary>The last verdicts of one sample.</summary>
    private sealed class LastVerdicts(int length)
    {
        private readonly Queue<bool> _last = new(length);

        /// <summary>
        /// Adds a verdict. Says by which factor a step size is to change: up where more than the most of the last ones
        /// succeeded, down where fewer than the least did; then it starts to count anew.
        /// </summary>
        public double Change(bool success, double least, double most, double factor)
        {
            if (_last.Count == length)
                _last.Dequeue();
            _last.Enqueue(success);
            if (_last.Count < length)
                return 1;
            double share = (double)_last.Count(good => good) / length;
            if (share >= least && share <= most)
                return 1;
            _last.Clear();
            return share > most ? factor : 1 / factor;
        }
    }
}
