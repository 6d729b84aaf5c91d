using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Physical;

/// <summary>
/// LaVAN, localized and visible adversarial noise (Karmon, Zoran, Goldberg, 2018, 1801.02608): a small square of the
/// image is replaced by noise of any strength, and the rest is left alone. Gradient steps on the square raise the
/// wanted class's logit above the others, or the best wrong one above the true one, until the goal is reached with a
/// wanted probability. L0, bounded by the square's area; 2 % of the image as in the paper, at a place drawn for each
/// image. Deviations: steps are along the gradient's sign and grow shorter, so that one length fits every model; the
/// gap is to the best other logit, where the paper takes the first predicted class's; further restarts try other places
/// for what is not fooled yet. One noise for all images is <see cref="AdversarialPatch"/>.
/// </summary>
public sealed record Lavan : IAttack<IClassifier>
{
    /// <inheritdoc/>
    public string Name => "lavan";

    /// <inheritdoc/>
    public Norm Norm => Norm.L0;

    /// <inheritdoc/>
    /// <remarks>It chooses a place of its own.</remarks>
    public bool TakesMask => false;

    /// <summary>
    /// The largest share of the image's pixels that may change; the square is the largest one within it, at least one
    /// pixel.
    /// </summary>
    [Option("area", "largest share of the pixels that may change")]
    public double Area { get; init; } = 0.02;

    /// <summary>The row of the square's top; null for one drawn for each image.</summary>
    [Option("top", "row of the square; auto: drawn for each image")]
    public int? Top { get; init; }

    /// <summary>The column of the square's left; null for one drawn for each image.</summary>
    [Option("left", "column of the square; auto: drawn for each image")]
    public int? Left { get; init; }

    /// <summary>The largest number of steps at one place.</summary>
    [Option("steps", "largest number of steps at one place", Min = 1)]
    public int Steps { get; init; } = 100;

    /// <summary>The length of the first step; it shrinks linearly to nothing.</summary>
    [Option("step", "length of the first step; it shrinks to nothing")]
    public double Step { get; init; } = 0.25;

    /// <summary>The probability of reaching the goal at which an image is done.</summary>
    [Option("confidence", "probability of the goal at which an image is done")]
    public double Confidence { get; init; } = 0.9;

    /// <summary>
    /// The number of squares tried, each with noise of its own; each after the first attacks only what is not fooled
    /// yet.
    /// </summary>
    [Option("restarts", "places tried; each attacks what is not fooled yet", Min = 1)]
    public int Restarts { get; init; } = 1;

    /// <inheritdoc/>
    public void CheckFits(IPredictor model, IReadOnlyList<double> epsilons)
    {
        ImageShape shape = model.Shape;
        long side = Side(shape.Height, shape.Width);
        if (Top > shape.Height - side || Left > shape.Width - side)
            throw new UserErrorException(
                $"the square of lavan has {side} pixels a side and leaves images of {shape.Height} by {shape.Width}: "
                    + $"place it at rows 0 to {shape.Height - side} and columns 0 to {shape.Width - side}"
            );
    }

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">The square leaves the image.</exception>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        CheckFits(model, []);
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        Tensor found = images.clone();
        long[] open = Rows.All(batch.Count);
        for (int restart = 0; restart < Restarts && open.Length > 0; restart++)
        {
            using var inner = NewDisposeScope();
            var (noisy, reached) = Climb(model, batch.Select(open), restart);
            found.Put(open, noisy);
            open = open.At(Rows.Where(reached, false));
        }

        return scope.MoveToOuter(found);
    }

    // Noise at one place: for each image the point that reaches the goal with the greatest probability.
    private (Tensor Images, bool[] Reached) Climb(IClassifier model, Batch batch, int restart)
    {
        SampleRandom random = batch.Random.Fork(restart);
        Tensor square = Squares(batch.Images, random);
        Tensor point = where(square, random.Uniform(1, batch.Images.shape.AsSpan(1)), batch.Images);
        Tensor best = point.clone();
        Tensor stepSize = square.to(ScalarType.Float32) * Step;
        long[] rows = Rows.All(batch.Count);
        float[] highest = [.. rows.Select(_ => float.NegativeInfinity)];
        var reached = new bool[batch.Count];
        for (int step = 0; step <= Steps; step++)
        {
            float[] likelihoods = Advance(step);
            long[] stay = Rows.Where(
                [.. likelihoods.Select((likelihood, i) => !reached[rows[i]] || likelihood < Math.Log(Confidence))],
                true
            );
            if (stay.Length == 0)
                break;
            if (stay.Length < rows.Length)
                (batch, rows, point, stepSize) = (batch.Select(stay), rows.At(stay), point.At(stay), stepSize.At(stay));
        }

        return (best, reached);

        float[] Advance(int step)
        {
            using var inner = NewDisposeScope();
            LossGradient? pass = step < Steps ? model.Gradient(batch.With(point), AttackLoss.Margin(batch.Goal)) : null;
            Tensor logits = pass?.Logits ?? model.Logits(batch.With(point));
            float[] likelihoods = AttackLoss.LogLikelihood(batch.Goal)(logits).ToArray<float>();
            bool[] hit = batch.Goal.IsReachedBy(logits).ToArray<bool>();
            long[] better = Rows.Where(
                [.. rows.Select((row, i) => hit[i] == reached[row] ? likelihoods[i] > highest[row] : hit[i])],
                true
            );
            best.Put(rows.At(better), point.At(better));
            foreach (long i in better)
                (highest[rows[i]], reached[rows[i]]) = (likelihoods[i], hit[i]);
            if (pass is null)
                return likelihoods;
            double decay = 1 - ((double)step / Steps);
            point.copy_((point + (decay * stepSize * pass.Gradient.sign())).clamp(0.0, 1.0));
            return likelihoods;
        }
    }

    private long Side(long height, long width) =>
        Math.Clamp((long)Math.Sqrt(Area * height * width), 1, Math.Min(height, width));

    // Which pixels of each image are in its square, [N, 1, H, W].
    private Tensor Squares(Tensor images, SampleRandom random)
    {
        var (height, width) = (images.size(2), images.size(3));
        long side = Side(height, width);
        float[] places = random.Uniform(0, 2).ToArray<float>();
        return Within(Top, height, 2) & Within(Left, width, 3);

        Tensor Within(int? given, long size, int dimension)
        {
            IEnumerable<double> first = places
                .Where((_, i) => i % 2 == dimension - 2)
                .Select(place => given ?? Math.Floor(place * (size - side + 1)));
            Tensor middle = Rows.Column(first) + ((side - 1) / 2.0);
            long[] shape = [1, 1, 1, 1];
            shape[dimension] = size;
            Tensor all = arange(size, ScalarType.Int64).to(ScalarType.Float32).reshape(shape);
            return (all - middle).abs() < side / 2.0;
        }
    }
}
