using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// ZOO, zeroth-order optimization (Chen, Zhang, Sharma, Yi, Hsieh, 2017, 1708.03999): minimizes |x' - x|² + c·max(κ -
/// margin(x'), 0), the objective of Carlini and Wagner with log-probabilities, by coordinate descent: each step asks
/// about both sides of some random coordinates and moves these by Adam or Newton. It looks for the smallest L2 change,
/// with a search over c for each image by itself; untargeted and targeted. Images above 32 pixels are attacked as the
/// paper does large ones: through a change of 32x32 pixels, resized bilinearly and doubled after 2,000 and 10,000
/// steps, whose coordinates are drawn by how much their region of 8x8 has changed. Defaults are the paper's for MNIST:
/// 128 coordinates a step, h = 1e-4, learning rate 0.01, 3,000 steps, 9 constants from 0.01 on. Deviations: an image
/// stops when its loss has not fallen by 0.01 % over a tenth of the steps; queries are cut off at the box; Newton's
/// curvature is taken over h = 0.01, since in float32 a shorter one gives noise.
/// </summary>
public sealed record ZerothOrder : IAttack<IScorer>
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double AdamEpsilon = 1e-8;
    private const double LeastCurvature = 0.1;
    private const int LargestWhole = 32;
    private const int FirstDoubling = 2000;
    private const int SecondDoubling = 10000;
    private const int Regions = 8;
    private static readonly long[] s_images = [2, 3, 4];

    /// <inheritdoc/>
    public string Name => "zoo";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>Adam or Newton.</summary>
    [Option("solver", "how a coordinate is moved")]
    public ZooSolver Solver { get; init; }

    /// <summary>
    /// Whether coordinates are those of tanh space. In the space of black and white images its slopes vanish.
    /// </summary>
    [Option("tanh", "work in tanh space")]
    public bool Tanh { get; init; }

    /// <summary>The number of constants c that are tried for each image.</summary>
    [Option("steps", "constants tried in the binary search", Min = 1)]
    public int SearchSteps { get; init; } = 9;

    /// <summary>The number of steps for each constant.</summary>
    [Option("iterations", "steps for each constant", Min = 1)]
    public int Iterations { get; init; } = 3000;

    /// <summary>The coordinates of one step; each costs two queries.</summary>
    [Option("coordinates", "coordinates of a step, two queries each", Min = 1)]
    public int Coordinates { get; init; } = 128;

    /// <summary>
    /// h: how far to both sides of a coordinate the model is asked; null for 1e-4, or 0.01 with Newton.
    /// </summary>
    [Option("h", "how far beside a coordinate the model is asked; auto: 1e-4, newton 0.01")]
    public double? Difference { get; init; }

    /// <summary>The learning rate.</summary>
    [Option("lr", "the learning rate")]
    public double LearningRate { get; init; } = 0.01;

    /// <summary>The first constant c.</summary>
    [Option("c", "the first constant")]
    public double InitialConstant { get; init; } = 0.01;

    /// <summary>κ: by how much the wrong log-probability must exceed the others.</summary>
    [Option("confidence", "by how much the wrong class must win")]
    public double Confidence { get; init; }

    /// <summary>
    /// The first height and width of the change, at most the image's; null for the image's up to 32 pixels, else 32.
    /// </summary>
    [Option("side", "first height and width of the change; auto: the image's, at most 32", Min = 1)]
    public int? Side { get; init; }

    /// <summary>Whether an image stops when its loss no longer falls.</summary>
    [Option("abort-early", "stop an image whose loss no longer falls")]
    public bool AbortEarly { get; init; } = true;

    /// <inheritdoc/>
    public Tensor Perturb(IScorer model, Batch batch)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(batch.InPieces((2 * Coordinates) + 1, rows => Search(model, rows)));
    }

    private Tensor Search(IScorer model, Batch batch)
    {
        using var scope = NewDisposeScope();
        var best = new BestSoFar(batch.Images);
        var constants = new ConstantSearch(batch.Count, InitialConstant);
        for (int i = 0; i < SearchSteps; i++)
        {
            Descend(model, batch.WithRandom(batch.Random.Fork(i)), constants, best);
            constants.Next();
        }

        return scope.MoveToOuter(best.Images);
    }

    // One descent of every image with its constant.
    private void Descend(IScorer model, Batch batch, ConstantSearch constants, BestSoFar best)
    {
        using var scope = NewDisposeScope();
        long[] rows = Rows.All(batch.Count);
        Tensor c = Rows.Column(constants.Values).reshape(-1, 1);
        var state = new State(batch.Images, Side ?? LargestWhole, Tanh);
        var abort = new EarlyAbort(batch.Count, Iterations);
        for (int iteration = 1; iteration <= Iterations; iteration++)
        {
            if (iteration is FirstDoubling or SecondDoubling)
                state = state.Doubled();
            float[] losses = Step(iteration);
            long[] stay = AbortEarly ? abort.Remaining(iteration, losses) : rows;
            if (stay.Length == 0)
                break;
            if (stay.Length < rows.Length)
                (batch, rows, c, state) = (batch.Select(stay), rows.At(stay), c.At(stay), state.Select(stay));
        }

        float[] Step(int iteration)
        {
            using var inner = NewDisposeScope();
            double h = Difference ?? (Solver == ZooSolver.Newton ? 1e-2 : 1e-4);
            Tensor index = Choose(batch.Random, iteration, state);
            Tensor at = state.Change.gather(1, index);
            Tensor both = cat([index, index], 1);
            Tensor moved = cat([at + h, at - h], 1);
            Tensor point = state.Images(state.Change);
            Tensor distances = (point - state.Clean).pow(2).SumPerImage(keepdim: true).reshape(-1);
            var (queries, farther) = state.IsWhole
                ? MovePixels(state, point, both, moved)
                : MoveChange(state, point, distances, both, moved);
            Tensor margins = model.Margins(batch, queries);
            Tensor reserves = margins.select(1, 0) - Confidence;
            constants.Mark(best.Take(point, reserves, distances, rows));

            // f(x + h e) - f(x) and f(x - h e) - f(x) for every coordinate e.
            long count = index.size(1);
            Tensor[] hinges = (c * (Confidence - margins).clamp_min(0.0)).split([1, 2 * count], 1);
            Tensor[] rises = (farther + hinges[1] - hinges[0]).split([count, count], 1);
            Tensor slope = (rises[0] - rises[1]) / (2 * h);
            Tensor curvature = (rises[0] + rises[1]) / (h * h);
            Tensor step = Solver == ZooSolver.Adam ? AdamStep(state, index, slope) : NewtonStep(slope, curvature);
            state.Put(index, at - (LearningRate * step));
            return (distances + hinges[0].squeeze(1)).ToArray<float>();
        }
    }

    private Tensor Choose(SampleRandom random, int iteration, State state)
    {
        Tensor change = state.Change;
        if (Coordinates >= change.size(1))
            return arange(change.size(1), ScalarType.Int64).expand(change.shape);
        Tensor keys = random.Uniform(iteration, change.size(1));

        // The smallest of exponential numbers over weights are a draw by these weights, without repetition.
        if (state.Importance() is { } importance)
            keys = -(1 - keys).log() / importance;
        return keys.argsort(1).slice(1, 0, Coordinates, 1);
    }

    // One coordinate is one pixel's value: only that is computed.
    private (Tensor Queries, Tensor Farther) MovePixels(State state, Tensor point, Tensor index, Tensor moved)
    {
        Tensor pixels = point.flatten(1);
        Tensor values = ImageSpace.Leave(state.Anchor.flatten(1).gather(1, index) + moved, Tanh);
        Tensor clean = state.Clean.flatten(1).gather(1, index);
        Tensor farther = (values - clean).pow(2) - (pixels.gather(1, index) - clean).pow(2);
        Tensor queries = pixels.unsqueeze(1).repeat(1, 1 + index.size(1), 1);
        queries.slice(1, 1, queries.size(1), 1).scatter_(2, index.unsqueeze(2), values.unsqueeze(2));
        return (queries.reshape([point.size(0), -1, .. point.shape.AsSpan(1)]), farther);
    }

    private static (Tensor Queries, Tensor Farther) MoveChange(
        State state,
        Tensor point,
        Tensor distances,
        Tensor index,
        Tensor moved
    )
    {
        Tensor changes = state.Change.unsqueeze(1).repeat(1, index.size(1), 1);
        changes.scatter_(2, index.unsqueeze(2), moved.unsqueeze(2));
        Tensor near = state.Images(changes).reshape([point.size(0), -1, .. point.shape.AsSpan(1)]);
        Tensor farther = (near - state.Clean.unsqueeze(1)).pow(2).sum(s_images) - distances.unsqueeze(1);
        return (cat([point.unsqueeze(1), near], 1), farther);
    }

    private static Tensor AdamStep(State state, Tensor index, Tensor slope)
    {
        Tensor mean = (Beta1 * state.Mean.gather(1, index)) + ((1 - Beta1) * slope);
        Tensor square = (Beta2 * state.Square.gather(1, index)) + ((1 - Beta2) * slope * slope);
        Tensor steps = state.Steps.gather(1, index) + 1;
        state.Mean.scatter_(1, index, mean);
        state.Square.scatter_(1, index, square);
        state.Steps.scatter_(1, index, steps);
        Tensor correction = Rest(Beta2).sqrt() / Rest(Beta1);
        return mean * correction / (square.sqrt() + AdamEpsilon);

        // 1 - βᵗ
        Tensor Rest(double beta) => 1 - (steps * Math.Log(beta)).exp();
    }

    private static Tensor NewtonStep(Tensor slope, Tensor curvature) =>
        slope / where(curvature > 0, curvature.clamp_min(LeastCurvature), ones_like(curvature));

    /// <summary>The change of each image, as the optimizer sees it, with its momenta, all [N, values].</summary>
    private sealed class State
    {
        private readonly bool _tanh;
        private readonly bool _important;
        private readonly long _height;
        private readonly long _width;

        public State(Tensor images, int side, bool tanh)
        {
            (_tanh, _height, _width) = (tanh, Math.Min(side, images.size(2)), Math.Min(side, images.size(3)));
            Anchor = ImageSpace.Enter(images, tanh);
            Clean = ImageSpace.Leave(Anchor, tanh);
            Change = zeros([images.size(0), images.size(1) * _height * _width]);
            (Mean, Square, Steps) = (zeros_like(Change), zeros_like(Change), zeros_like(Change));
            _important = !IsWhole && _height % Regions == 0 && _width % Regions == 0;
        }

        private State(State from, Tensor[] tensors, long height, long width)
        {
            (_tanh, _important, _height, _width) = (from._tanh, from._important, height, width);
            (Anchor, Clean, Change, Mean, Square, Steps) = (
                tensors[0],
                tensors[1],
                tensors[2],
                tensors[3],
                tensors[4],
                tensors[5]
            );
        }

        public Tensor Anchor { get; }

        public Tensor Clean { get; }

        public Tensor Change { get; }

        public Tensor Mean { get; }

        public Tensor Square { get; }

        public Tensor Steps { get; }

        public bool IsWhole => _height == Anchor.size(2) && _width == Anchor.size(3);

        public State Select(long[] rows) =>
            new(
                this,
                [Anchor.At(rows), Clean.At(rows), Change.At(rows), Mean.At(rows), Square.At(rows), Steps.At(rows)],
                _height,
                _width
            );

        // Momenta start afresh.
        public State Doubled()
        {
            if (IsWhole)
                return this;
            long height = Math.Min(2 * _height, Anchor.size(2));
            long width = Math.Min(2 * _width, Anchor.size(3));
            Tensor change = nn
                .functional.interpolate(
                    AsPlanes(Change),
                    [height, width],
                    mode: InterpolationMode.Bilinear,
                    align_corners: false
                )
                .flatten(1);
            return new(
                this,
                [Anchor, Clean, change, zeros_like(change), zeros_like(change), zeros_like(change)],
                height,
                width
            );
        }

        // The images of changes, one for each row or several.
        public Tensor Images(Tensor changes)
        {
            Tensor planes = AsPlanes(changes.reshape(-1, changes.size(-1)));
            if (!IsWhole)
                planes = nn.functional.interpolate(
                    planes,
                    [Anchor.size(2), Anchor.size(3)],
                    mode: InterpolationMode.Bilinear,
                    align_corners: false
                );
            Tensor moved = Anchor.unsqueeze(1) + planes.reshape([Anchor.size(0), -1, .. Anchor.shape.AsSpan(1)]);
            return ImageSpace.Leave(moved, _tanh).flatten(0, 1);
        }

        public void Put(Tensor index, Tensor values)
        {
            if (IsWhole && !_tanh)
            {
                Tensor anchor = Anchor.flatten(1).gather(1, index);
                values = (anchor + values).clamp(0.0, 1.0) - anchor;
            }

            Change.scatter_(1, index, values);
        }

        // How likely each value of a small change is drawn: by the largest change in its region, and never zero.
        public Tensor? Importance()
        {
            if (!_important)
                return null;
            Tensor size = AsPlanes(Change).abs();
            long height = _height / Regions;
            long width = _width / Regions;
            long[] shape = [size.size(0), size.size(1), Regions, height, Regions, width];
            Tensor largest = size.reshape(shape).amax([3, 5], true).expand(shape);
            return largest.reshape(Change.shape) + 1e-3;
        }

        private Tensor AsPlanes(Tensor changes) => changes.reshape(changes.size(0), Anchor.size(1), _height, _width);
    }
}
