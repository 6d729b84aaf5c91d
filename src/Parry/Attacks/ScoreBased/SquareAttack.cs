using Parry.Attacks.Catalog;
using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// The Square attack (Andriushchenko, Croce, Flammarion, Hein, 2019, 1912.00049): random search that sets one random square of the image to the edge of the
/// budget at a time and keeps it if the margin falls. It starts from vertical stripes (L2: from tiles of a fixed pattern), and its squares shrink on a
/// schedule. Linf and L2. As in AutoAttack: the share of the image that the first squares cover is 0.8, 5,000 queries, and the schedule counts queries as they
/// are, not in proportion to their limit. Deviations: each image has its own squares, where the authors' code moves one over the whole batch; the margin is one
/// of log-probabilities, which is that of the logits.
/// </summary>
public sealed record SquareAttack : IBudgetAttack<IScorer>
{
    private const double Least = 1e-38, Smallest = 1e-12;
    private static readonly long[] s_image = [1, 2, 3];
    private static readonly int[] s_halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];
    private readonly double? _epsilon;

    /// <inheritdoc/>
    public string Name => "square";

    /// <summary>Linf or L2.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    public Norm Norm
    {
        get;
        init => field = value is Norm.Linf or Norm.L2 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"The Square attack works in Linf and L2, not in {value}.");
    } = Norm.Linf;

    /// <summary>The largest perturbation, in the attack's norm; by default 0.3 in Linf and 2 in L2, the usual budgets for MNIST.</summary>
    public double Epsilon
    {
        get => _epsilon ?? Ball.UsualRadius(Norm);
        init => _epsilon = value;
    }

    /// <summary>The largest number of queries for an image.</summary>
    public int Queries { get; init; } = 5000;

    /// <summary>The share of the image that the first squares cover.</summary>
    public double Share { get; init; } = 0.8;

    /// <summary>What the command line knows of it.</summary>
    public static AttackEntry Entry { get; } = new AttackEntry<SquareAttack>(new(), "random squares at the edge of the budget, kept when they help", "Andriushchenko et al., 2019, 1912.00049")
        .Budget("the largest perturbation; 2 when the norm is l2", attack => attack.Epsilon, (attack, value) => attack with { Epsilon = value })
        .Norms([Norm.Linf, Norm.L2], attack => attack.Norm, (attack, value) => attack with { Norm = value })
        .Whole("queries", 1, "most queries for an image", attack => attack.Queries, (attack, value) => attack with { Queries = value })
        .Number("p", 0, "share of the image that the first squares cover", attack => attack.Share, (attack, value) => attack with { Share = value });

    /// <inheritdoc/>
    public Tensor Perturb(IScorer model, Tensor images, Goal goal, SampleRandom random) => PerturbWithin(model, images, goal, random, [Epsilon])[0];

    /// <inheritdoc/>
    /// <remarks>Budgets are tried in ascending order, and larger ones take over what smaller ones found.</remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IScorer model, Tensor images, Goal goal, SampleRandom random, IReadOnlyList<double> epsilons)
    {
        using var scope = new TensorScope();
        return scope.Keep(Survivors<IScorer>.Ascending(new(model, images, goal, random), epsilons, Search));
    }

    /// <inheritdoc/>
    public override string ToString() => Entry.Describe(this);

    private (Tensor, bool[]) Search(AttackBatch<IScorer> all, double epsilon)
    {
        using var scope = new TensorScope();
        AttackBatch<IScorer> batch = all.Select(Rows.All(all.Count));
        Tensor images = batch.Images.Clone();
        var reached = new bool[batch.Count];
        long[] rows = Rows.All(batch.Count);
        Tensor best = Norm == Norm.Linf ? Stripes(batch, epsilon) : Tiles(batch, epsilon), margins = Margins(batch, best);
        for (int query = 1; Leave() && query < Queries; query++)
        {
            using var inner = new TensorScope();
            double side = Math.Sqrt(ShareAt(query - 1) * batch.Images.Size(2) * batch.Images.Size(3));
            Tensor next = Norm == Norm.Linf ? Square(batch, best, epsilon, side, query) : Windows(batch, best, epsilon, side, query);
            Tensor found = Margins(batch, next), better = found.Greater(margins);
            best.CopyInPlace(Tensor.Where(better.Reshape(-1, 1, 1, 1), next, best));
            margins.CopyInPlace(found.Maximum(margins));
        }

        if (rows.Length > 0) images.Put(rows, best);
        return (scope.Keep(images), reached);

        // Lets rows go that reached the goal; whether any are left.
        bool Leave()
        {
            bool[] hit = [.. margins.ToArray<float>().Select(margin => margin > 0)];
            long[] hits = Rows.Where(hit, true), stay = Rows.Where(hit, false);
            if (hits.Length == 0) return true;
            using (new TensorScope()) images.Put(rows.At(hits), best.At(hits));
            foreach (long row in rows.At(hits)) reached[row] = true;
            (rows, batch, best, margins) = (rows.At(stay), batch.Narrow(stay), best.Narrow(stay), margins.Narrow(stay));
            return stay.Length > 0;
        }
    }

    // How far each image is past the boundary.
    private static Tensor Margins(AttackBatch<IScorer> batch, Tensor points)
    {
        using var scope = new TensorScope();
        return scope.Keep(AttackLoss.Margin(batch.Goal)(batch.Model.Probabilities(points).ClampMin(Least).Log()));
    }

    private double ShareAt(int query) => Share / Math.Pow(2, s_halvings.Count(limit => query > limit));

    private static Tensor Stripes(AttackBatch<IScorer> batch, double epsilon)
    {
        using var scope = new TensorScope();
        Tensor signs = batch.Random.Uniform(0, batch.Images.Size(1), 1, batch.Images.Size(3)).AddInPlace(-0.5).Sign();
        return scope.Keep(batch.Images.Add(signs.MulInPlace(epsilon)).ClampInPlace(0, 1));
    }

    // One square of each image goes to the edge of the budget, up or down by channel.
    private static Tensor Square(AttackBatch<IScorer> batch, Tensor best, double epsilon, double wanted, int draw)
    {
        long channels = best.Size(1), height = best.Size(2), width = best.Size(3), side = Math.Clamp((long)Math.Round(wanted), 1, Math.Min(height, width));
        Tensor numbers = batch.Random.Uniform(draw, channels + 2);
        Tensor signs = numbers.Slice(1, 0, channels).Sub(0.5).Sign().Reshape(-1, channels, 1, 1);
        Tensor inside = Within(numbers.Slice(1, channels, channels + 1), height, side).Reshape(-1, 1, height, 1)
            .And(Within(numbers.Slice(1, channels + 1, channels + 2), width, side).Reshape(-1, 1, 1, width));
        return Tensor.Where(inside, batch.Images.Add(signs.MulInPlace(epsilon)).ClampInPlace(0, 1), best);
    }

    // Which of so many places are within a stretch that begins at a random one of those where it fits, [N, places].
    private static Tensor Within(Tensor uniform, long places, long stretch)
    {
        Tensor begin = Begin(uniform, places, stretch), all = Tensor.Range(places).Reshape(1, -1);
        return all.GreaterOrEqual(begin).And(all.Less(begin.Add(stretch)));
    }

    private static Tensor Begin(Tensor uniform, long places, long stretch) => uniform.Mul(places - stretch + 1).To(DType.Int64);

    private static Tensor Tiles(AttackBatch<IScorer> batch, double epsilon)
    {
        using var scope = new TensorScope();
        Tensor change = batch.Images.ZerosLike();
        long channels = change.Size(1), height = change.Size(2), width = change.Size(3), side = Math.Max(1, height / 5), down = height / side, across = width / side;
        Tensor numbers = batch.Random.Uniform(0, channels + 1, down, across).AddInPlace(-0.5);
        for (int tile = 0; tile < down * across; tile++)
        {
            long y = tile / across, x = tile % across, top = ((height % side) / 2) + (y * side), left = ((width % side) / 2) + (x * side);
            Tensor number = numbers.Slice(2, y, y + 1).Slice(3, x, x + 1);
            change.Slice(2, top, top + side).Slice(3, left, left + side).CopyInPlace(Pattern(side, number.Slice(1, channels, channels + 1)).Mul(number.Slice(1, 0, channels).Sign()));
        }

        return scope.Keep(Scaled(batch.Images, change, epsilon));
    }

    // One window of each image takes the length of another, and what is unused, in its own direction plus a pattern.
    private static Tensor Windows(AttackBatch<IScorer> batch, Tensor best, double epsilon, double wanted, int draw)
    {
        long channels = best.Size(1), height = best.Size(2), width = best.Size(3);
        long side = Math.Clamp((long)Math.Round(wanted) | 1, Math.Min(3, Math.Min(height, width)), (Math.Min(height, width) - 1) | 1);
        Tensor numbers = batch.Random.Uniform(draw, channels + 5);
        Tensor places = Tensor.Range(channels).Reshape(1, -1, 1, 1).Mul(height * width).Add(Tensor.Range(side).Reshape(1, 1, -1, 1).Mul(width)).Add(Tensor.Range(side)).Flatten();
        Tensor Window(long number) => places.Add(Begin(numbers.Slice(1, number, number + 1), height, side).Mul(width).Add(Begin(numbers.Slice(1, number + 1, number + 2), width, side))).To(DType.Int64);

        Tensor to = Window(channels + 1), from = Window(channels + 3), change = best.Sub(batch.Images).Flatten();
        Tensor rest = change.Scatter(1, from, 0.0).Scatter(1, to, 0.0);
        Tensor length = Squared(change), moved = length.Sub(Squared(rest)).ClampInPlace(0, double.PositiveInfinity);
        Tensor free = length.SubtractedFrom(epsilon * epsilon).ClampInPlace(0, double.PositiveInfinity).AddInPlace(moved).MulInPlace(1.0 / channels).Sqrt();

        Tensor signs = numbers.Slice(1, 0, channels).Sub(0.5).Sign().Reshape(-1, channels, 1, 1);
        Tensor pattern = Pattern(side, numbers.Slice(1, channels, channels + 1).Sub(0.5).Reshape(-1, 1, 1, 1)).Mul(signs);
        Tensor fresh = Unit(Unit(change.Gather(1, to).Reshape(-1, channels, side, side)).Add(pattern)).Mul(free.Reshape(-1, 1, 1, 1));
        return Scaled(batch.Images, rest.Scatter(1, to, fresh.Flatten()).Reshape(best.Shape), epsilon);

        static Tensor Squared(Tensor rows) => rows.Mul(rows).Sum([1]);
        static Tensor Unit(Tensor windows) => windows.Div(windows.Norm(2, [2, 3], keep: true).ClampMin(Smallest));
    }

    private static Tensor Scaled(Tensor images, Tensor change, double epsilon) =>
        change.Mul(change.Norm(2, s_image, keep: true).ClampMin(Smallest).Pow(-1).MulInPlace(epsilon)).AddInPlace(images).ClampInPlace(0, 1);

    // The window of length 1 that the paper draws for convolutions: one peak above, one of the other sign below; lying where the number is negative.
    private static Tensor Pattern(long side, Tensor numbers)
    {
        var upright = new float[side * side];
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
            {
                bool above = y < side / 2;
                long half = above ? side / 2 : side - (side / 2), row = above ? y : y - (side / 2);
                long away = Math.Max(Math.Abs(row - (half / 2)), Math.Abs(x - (side / 2))), layers = Math.Max(half, side) / 2;
                for (long k = away; k <= layers; k++) upright[(y * side) + x] += (above ? 1f : -1f) / ((k + 1) * (k + 1));
            }
        }

        Tensor pattern = Tensor.From<float>(upright, 1, 1, side, side);
        pattern = pattern.Div(pattern.Norm(2, [2, 3], keep: true));
        return Tensor.Where(numbers.Less(0), pattern.Transpose(2, 3), pattern);
    }
}
