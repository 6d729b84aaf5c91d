using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// AutoZOOM (Tu, Ting, Chen, Liu, Zhang, Yi, Hsieh, Cheng, 2018, 1805.11770): the objective of ZOO, |x' - x|² + c·max(κ
/// - margin(x'), 0), minimized by Adam over a few numbers that a decoder turns into a change of the image; the gradient
/// is estimated along one random direction, and along several once an image has first succeeded. The decoder resizes a
/// smaller image (AutoZOOM-BiLIN) or belongs to an auto-encoder, trained on images of the attacker's own (AutoZOOM-AE).
/// It looks for the smallest L2 change; untargeted and targeted. Defaults follow the authors' code for MNIST: 1,000
/// steps, learning rate 0.01, β = 1/d, no tanh, half the image's side (the paper's 14x14), Adam reset at the first
/// success. Deviations: the constant c is judged every 100 steps from 0.1 on, since once in 1,000 steps never changes
/// it; after the first success 5 directions are averaged; a decoder's change is taken relative to that of the zero
/// code, so that the search starts at the clean image.
/// </summary>
public sealed record AutoZoom : ITrainedAttack<IScorer>
{
    private const int RowsAtOnce = 128;
    private static readonly long[] s_last = [2];
    private static readonly long[] s_images = [2, 3, 4];
    private const int LargestSide = 32;

    private ImageCodec? Codec { get; init; }

    /// <inheritdoc/>
    public string Name => "autozoom";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>What makes changes out of a few numbers.</summary>
    [Option("decoder", "what makes changes out of a few numbers")]
    public ZoomDecoder Decoder { get; init; }

    /// <summary>The height and width of the image that is resized; null for half the image's, at most 32.</summary>
    [Option("side", "height and width that are resized; auto: half the image's, at most 32", Min = 1)]
    public int? Side { get; init; }

    /// <summary>Whether images are changed in tanh space. Black and white hardly move there.</summary>
    [Option("tanh", "work in tanh space")]
    public bool Tanh { get; init; }

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 1000;

    /// <summary>After how many steps the constant is changed, by whether one of them succeeded.</summary>
    [Option("switch", "steps after which the constant changes", Min = 1)]
    public int Switch { get; init; } = 100;

    /// <summary>The random directions of a step after the first success.</summary>
    [Option("directions", "random directions of a step after the first success", Min = 1)]
    public int Directions { get; init; } = 5;

    /// <summary>Adam's learning rate.</summary>
    [Option("lr", "Adam's learning rate")]
    public double LearningRate { get; init; } = 0.01;

    /// <summary>The first constant c.</summary>
    [Option("c", "the first constant")]
    public double InitialConstant { get; init; } = 0.1;

    /// <summary>κ: by how much the wrong log-probability must exceed the others.</summary>
    [Option("confidence", "by how much the wrong class must win")]
    public double Confidence { get; init; }

    /// <inheritdoc/>
    [Option("images", "training images of the auto-encoder", Min = 1)]
    public int TrainingImages { get; init; } = 2000;

    /// <summary>How often the auto-encoder sees each image in training.</summary>
    [Option("epochs", "epochs of the auto-encoder's training", Min = 1)]
    public int Epochs { get; init; } = 20;

    /// <inheritdoc/>
    public bool IsTrained => Decoder == ZoomDecoder.Bilinear || Codec is not null;

    /// <inheritdoc/>
    public ITrainedAttack<IScorer> Train(
        IScorer model,
        Batch data,
        IReadOnlyList<double> epsilons,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        if (Decoder == ZoomDecoder.Bilinear)
            return this;
        using var scope = NewDisposeScope();
        using Tensor draw = data.Random.For(new long[] { 0 }).Uniform(0, 1);
        long seed = (long)(draw.Item() * (1 << 24));
        return this with { Codec = ImageCodec.Train(data.Images, Epochs, seed, progress, cancellation) };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Tensor>? Learned => Codec?.State;

    /// <inheritdoc/>
    public ITrainedAttack<IScorer> WithLearned(IPredictor model, IReadOnlyDictionary<string, Tensor> learned) =>
        this with
        {
            Codec = ImageCodec.Of(learned, model.Shape),
        };

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Its decoder is not trained.</exception>
    public Tensor Perturb(IScorer model, Batch batch)
    {
        if (!IsTrained)
            throw new InvalidOperationException(
                "The auto-encoder of autozoom is not trained: call Train, and attack with what it returns."
            );
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Descend(model, batch));
    }

    /// <inheritdoc/>
    public void Dispose() => Codec?.Dispose();

    private Tensor Descend(IScorer model, Batch all)
    {
        using var scope = NewDisposeScope();
        var best = new BestSoFar(all.Images);
        var constants = new ConstantSearch(all.Count, InitialConstant);
        Tensor anchor = ImageSpace.Enter(all.Images, Tanh);
        Tensor clean = ImageSpace.Leave(anchor, Tanh);
        long[] code = CodeShape(all.Images);
        long values = code[0] * code[1] * code[2];
        Tensor change = zeros([all.Count, values]);
        var adam = new RowAdam(change);
        var everFound = new bool[all.Count];
        Group[] groups = Grouped();
        for (int iteration = 1; iteration <= Steps; iteration++)
        {
            bool[] before = [.. everFound];
            using (NewDisposeScope())
            {
                Tensor gradient = zeros_like(change);
                foreach (Group group in groups)
                    gradient.Put(group.Rows, Estimate(group, iteration));
                change.sub_(LearningRate * adam.Direction(gradient));
            }

            if (!before.AsSpan().SequenceEqual(everFound))
            {
                adam.Restart(Rows.Where([.. before.Zip(everFound, (then, now) => now && !then)], true));
                foreach (Group group in groups.Where(group => group.Batch != all))
                    group.Batch.Images.Dispose();
                groups = Grouped();
            }

            if (iteration % Switch != 0)
                continue;
            constants.Next();
            adam.Restart(Rows.Where(everFound, true));
        }

        return scope.MoveToOuter(best.Images);

        // Images that have succeeded ask along more directions than the others.
        Group[] Grouped() => [.. GroupsOf(fooled: false, 1), .. GroupsOf(fooled: true, Directions)];

        IEnumerable<Group> GroupsOf(bool fooled, int directions) =>
            Rows.Where(everFound, fooled)
                .Chunk(RowsAtOnce)
                .Select(rows => new Group(rows, rows.Length == all.Count ? all : all.Select(rows), directions));

        // The gradient of the loss by differences along random directions.
        Tensor Estimate(Group group, int iteration)
        {
            using var inner = NewDisposeScope();
            var (rows, batch, count) = group;
            double length = 1.0 / values;
            Tensor center = change.At(rows).unsqueeze(1);
            Tensor original = clean.At(rows).unsqueeze(1);
            Tensor noise = batch.Random.Normal(iteration, count, values);
            Tensor directions = noise / linalg.vector_norm(noise, 2, s_last, true);
            Tensor codes = cat([center, center + (length * directions)], 1).reshape([-1, .. code]);
            Tensor moved = Decode(codes, original).reshape([rows.Length, 1 + count, .. original.shape.AsSpan(2)]);
            Tensor points = ImageSpace.Leave(anchor.At(rows).unsqueeze(1) + moved, Tanh);
            Tensor distances = (points - original).pow(2).sum(s_images);
            Tensor margins = model.Margins(batch, points);
            Tensor reserves = margins.select(1, 0) - Confidence;
            long[] reached = best.Take(points.select(1, 0), reserves, distances.select(1, 0), rows);
            constants.Mark(reached);
            foreach (long row in reached)
                everFound[row] = true;

            Tensor c = Rows.Column(rows.Select(row => constants.Values[row])).reshape(-1, 1);
            Tensor losses = distances + (c * (Confidence - margins).clamp_min(0.0));
            Tensor[] parts = losses.split([1, count], 1);
            Tensor rises = (parts[1] - parts[0]).unsqueeze(2);
            return inner.MoveToOuter((directions * rises).sum(1) * (values / (length * count)));
        }
    }

    private long[] CodeShape(Tensor images)
    {
        var (height, width) =
            Codec?.CodeSize
            ?? (
                Math.Min(Side ?? LargestSide, Half(images.size(2))),
                Math.Min(Side ?? LargestSide, Half(images.size(3)))
            );
        return [images.size(1), height, width];

        long Half(long size) => Side is null ? Math.Max(1, size / 2) : size;
    }

    private Tensor Decode(Tensor codes, Tensor images) =>
        Codec is null
            ? nn.functional.interpolate(
                codes,
                [images.size(-2), images.size(-1)],
                mode: InterpolationMode.Bilinear,
                align_corners: false
            )
            : Codec.Decode(codes) - Codec.Decode(zeros_like(codes.slice(0, 0, 1, 1)));

    private sealed record Group(long[] Rows, Batch Batch, int Directions);
}
