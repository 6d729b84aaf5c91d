using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using Parry.Attacks.Building;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Exact;

/// <summary>
/// The ground-truth attack: the provably smallest perturbation in Linf or L1 of a small ReLU network, [N, C, H, W] to
/// the same, targeted or not. Carlini, Katz, Barrett and Dill (2017, 1709.10207) introduced it with Reluplex; this is
/// the mixed-integer program of Tjeng, Xiao and Tedrake (2017, 1711.07356), whose binaries are the ReLUs that bounds
/// leave open, given to the solver SCIP. As there, the search is within a ball, which keeps bounds tight; it begins
/// with half the radius that the gradient suggests and grows by half until the goal can be reached in it. The defaults
/// are 60 seconds for an image; when they are over, the best found stands beside a proven lower bound: see
/// <see cref="Prove"/>. The model must show its layers (<see cref="ILayered"/>): linear, convolutions, average pooling,
/// batch normalization, dropout and ReLU. Deviations: bounds come from linear propagation alone, not also from linear
/// programs; the image is nudged along the margin's gradient by as little as makes the model itself, in float32, agree;
/// where the solver has no solution when time runs out, PGD (Linf) or Carlini and Wagner's attack (L1) stand in; an
/// image for which nothing is found is returned clean.
/// </summary>
public sealed record GroundTruth : IAttack<IClassifier>
{
    private const double SmallestRadius = 1e-4;
    private const double FirstRadius = 0.5;
    private const double Growth = 1.5;
    private const double FirstNudge = 1e-7;
    private const int MostNudges = 40;
    private const double Rounding = 4e-6;
    private static readonly double[] s_guesses = [1.1, 1.25, 1.5, 2, 3, 4, 8, 16];
    private static readonly double[] s_margins = [1e-5, 1e-4];

    /// <inheritdoc/>
    public string Name => "ground-truth";

    /// <summary>Linf or L1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L1)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.Linf, Norm.L1);
    } = Norm.Linf;

    /// <inheritdoc/>
    /// <remarks>It reads the network, which takes whole images.</remarks>
    public bool TakesMask => false;

    /// <summary>The most time for an image.</summary>
    [Option("seconds", "the most time for an image")]
    public double Seconds { get; init; } = 60;

    /// <inheritdoc/>
    public void CheckFits(IPredictor model, IReadOnlyList<double> epsilons) => Read(model);

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch) => ProveAll(model, batch).Images;

    /// <summary>The nearest images that reach a goal, with what is proven about their distances.</summary>
    /// <param name="model">That shows its layers, in evaluation mode.</param>
    /// <param name="images">[N, C, H, W] in [0, 1], none of which reaches the goal yet.</param>
    /// <param name="goal">Of the same rows.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="UserErrorException">The model shows no layers, or other than the attack knows.</exception>
    /// <exception cref="OperationCanceledException">It was canceled.</exception>
    public (Tensor Images, IReadOnlyList<MinimalDistance> Distances) Prove(
        IClassifier model,
        Tensor images,
        Goal goal,
        CancellationToken cancellation = default
    ) => ProveAll(model, new Batch(Images.Of(images), goal, new SampleRandom(0, default)), cancellation);

    private (Tensor Images, IReadOnlyList<MinimalDistance> Distances) ProveAll(
        IClassifier model,
        Batch batch,
        CancellationToken cancellation = default
    )
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        ReluNetwork network = Read(model);
        Tensor found = batch.Images.clone();
        double[] radii = FirstRadii(model, batch);
        var distances = new MinimalDistance[batch.Count];
        for (int row = 0; row < batch.Count; row++)
        {
            using var inner = NewDisposeScope();
            Batch one = batch.Select([row]);
            ReluNetwork.Affine[] layers = [.. network.Layers.SkipLast(1), Margins(network.Layers[^1], one.Goal)];
            double[] center = one.Images.to(ScalarType.Float64).ToArray<double>();
            var clock = Stopwatch.StartNew();
            var (lower, change) = Search(layers, center, radii[row], one.Goal.IsTargeted, clock, cancellation);
            distances[row] = new MinimalDistance(lower, double.PositiveInfinity);
            Take(change);

            // Where several margins are tight at once, no one's gradient leads away from the boundary: then they must
            // all be a little more than zero.
            foreach (double margin in change is null ? [] : s_margins)
            {
                if (distances[row].Proven)
                    break;
                ReluNetwork.Affine stricter = layers[^1] with
                {
                    Biases = [.. layers[^1].Biases.Select(bias => bias - margin)],
                };
                ReluNetwork.Affine[] strictly = [.. layers.SkipLast(1), stricter];
                double radius = (Growth * lower) + SmallestRadius;
                Take(Search(strictly, center, radius, one.Goal.IsTargeted, clock, cancellation).Change);
            }

            // Time has run out before the solver had any solution.
            if (change is null && double.IsFinite(lower))
                Try(Guess(model, one, Math.Max(lower, radii[row])));

            void Take(double[]? change)
            {
                if (change is null)
                    return;
                float[] solution = [.. center.Zip(change, (x, d) => (float)(x + d))];
                if (Nudge(model, one, tensor(solution, one.Images.shape).clamp(0.0, 1.0)) is { } nudged)
                    Try([nudged]);
            }

            void Try(IEnumerable<Tensor> candidates)
            {
                foreach (Tensor candidate in candidates)
                {
                    double distance = Norm.Of(candidate - one.Images).Item();
                    bool reached = one.Goal.IsReached(model.Predict(one.With(candidate))).Item() != 0;
                    if (!reached || distance >= distances[row].UpperBound)
                        continue;
                    found.Put([row], candidate);
                    distances[row] = new MinimalDistance(Math.Min(lower, distance), distance);
                }
            }
        }

        return (scope.MoveToOuter(found), distances);
    }

    // Half of how far the goal would be if the margin were linear: what is excluded nearby is excluded fast, and bounds
    // widen with the radius.
    private double[] FirstRadii(IClassifier model, Batch batch)
    {
        LossGradient pass = model.Gradient(batch.With(batch.Images), AttackLoss.Margin(batch.Goal));
        Tensor guesses = -pass.Losses / Norm.Dual().Of(pass.Gradient);
        return [.. guesses.ToArray<float>().Select(guess => Math.Max(FirstRadius * guess, SmallestRadius))];
    }

    // What ordinary attacks find.
    private IReadOnlyList<Tensor> Guess(IClassifier model, Batch one, double radius) =>
        Norm == Norm.L1
            ?
            [
                new CarliniWagnerL2
                {
                    SearchSteps = 6,
                    Iterations = 100,
                    LearningRate = 0.05,
                }.Perturb(model, one),
            ]
            : new ProjectedGradientDescent { RandomStart = false }.PerturbWithin(
                model,
                one,
                [.. s_guesses.Select(factor => factor * radius)]
            );

    // The last layer as the differences of logits that must be positive: all when targeted, one otherwise.
    private static ReluNetwork.Affine Margins(ReluNetwork.Affine logits, Goal goal)
    {
        int label = (int)goal.Labels.ToArray<long>()[0];
        int sign = goal.IsTargeted ? 1 : -1;
        int[] others = [.. Enumerable.Range(0, logits.Biases.Length).Where(k => k != label)];
        return new(
            [.. others.Select(k => logits.Weights[label].Zip(logits.Weights[k], (a, b) => sign * (a - b)).ToArray())],
            [.. others.Select(k => sign * (logits.Biases[label] - logits.Biases[k]))]
        );
    }

    // A proven lower bound, and the best change within the time, if any.
    private (double Lower, double[]? Change) Search(
        ReluNetwork.Affine[] layers,
        double[] center,
        double radius,
        bool targeted,
        Stopwatch clock,
        CancellationToken cancellation
    )
    {
        double lower = 0;
        double largest = Norm == Norm.Linf ? 1 : center.Length;
        while (true)
        {
            var region = new Region(Norm, center, Math.Min(double.IsFinite(radius) ? radius : largest, largest));
            var bounds = new Bounds(layers, region);
            double[] most = bounds[layers.Length - 1].High;
            if (targeted ? most.All(margin => margin >= 0) : most.Any(margin => margin >= 0))
            {
                double left = Seconds - clock.Elapsed.TotalSeconds;
                if (left <= 0)
                    return (lower, null);
                MixedIntegerProgram.Solution solution = MixedIntegerProgram.Minimize(
                    layers,
                    bounds,
                    region,
                    targeted,
                    left,
                    cancellation
                );
                if (solution.Feasible != false)
                    return (Math.Max(lower, Math.Min(solution.LowerBound, region.Radius)), solution.Change);
            }

            if (region.Radius >= largest)
                return (double.PositiveInfinity, null);
            lower = region.Radius;
            radius = Growth * region.Radius;
        }
    }

    private static ReluNetwork Read(IPredictor model) =>
        ReluNetwork.Read(
            (model as ILayered)?.Network
                ?? throw new UserErrorException(
                    "the attack ground-truth needs a network whose layers it can see: a weight file of Parry's own, "
                        + "without a defense around it"
                ),
            model.Shape
        );

    // The solution lies on the boundary; growing steps along the margin's gradient, until the model agrees, put it
    // beyond.
    private Tensor? Nudge(IClassifier model, Batch one, Tensor solution)
    {
        Tensor image = solution.clone();
        for (int nudge = 0; nudge < MostNudges; nudge++)
        {
            LossGradient pass = model.Gradient(one.With(image), AttackLoss.Margin(one.Goal));

            // By more than what rounding differs in another batch.
            if (pass.Losses.Item() > Rounding * (1 + pass.Logits.abs().amax([1]).Item()))
                return image;
            Tensor direction = pass.Gradient.sign();
            if (Norm == Norm.L1)
            {
                // The steepest pixel that has room in the box.
                Tensor hasRoom = where(pass.Gradient > 0, 1 - image, image) > 1e-3;
                Tensor steepness = pass.Gradient.abs() * hasRoom;
                direction *= steepness == steepness.MaxPerImage(keepdim: true);
            }

            image = (image + (FirstNudge * Math.Pow(2, nudge / 2.0) * direction)).clamp(0.0, 1.0);
        }

        return null;
    }
}
