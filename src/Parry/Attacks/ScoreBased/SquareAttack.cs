using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// The Square attack (Andriushchenko, Croce, Flammarion, Hein, 2019, 1912.00049): random search that sets one random
/// square of the image to the edge of the budget at a time and keeps it if the margin falls. It starts from vertical
/// stripes (L2: from tiles of a fixed pattern), and its squares shrink on a schedule. Linf and L2. As in AutoAttack:
/// the share of the image that the first squares cover is 0.8, 5,000 queries, and the schedule counts queries as they
/// are, not in proportion to their limit. Deviations: each image has its own squares, where the authors' code moves one
/// over the whole batch; the margin is one of log-probabilities, which is that of the logits.
/// </summary>
public sealed record SquareAttack : IBudgetAttack<IScorer>
{
    private const double Least = 1e-38;
    private const double Smallest = 1e-12;
    private static readonly long[] s_window = [2, 3];
    private static readonly int[] s_halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];
    private readonly double? _epsilon;

    /// <inheritdoc/>
    public string Name => "square";

    /// <summary>
    /// The largest perturbation, in the attack's norm; by default 0.3 in Linf and 2 in L2, the usual budgets for MNIST.
    /// </summary>
    [Option("eps", "the largest perturbation; 2 when the norm is l2")]
    public double Epsilon
    {
        get => _epsilon ?? Ball.UsualRadius(Norm);
        init => _epsilon = value;
    }

    /// <summary>Linf or L2.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another norm.</exception>
    [Option("norm", "how the perturbation is measured")]
    [AllowedValues(Norm.Linf, Norm.L2)]
    public Norm Norm
    {
        get;
        init => field = value.Among(Norm.Linf, Norm.L2);
    } = Norm.Linf;

    /// <summary>The largest number of queries for an image.</summary>
    [Option("queries", "most queries for an image", Min = 1)]
    public int Queries { get; init; } = 5000;

    /// <summary>The share of the image that the first squares cover.</summary>
    [Option("p", "share of the image that the first squares cover")]
    public double Share { get; init; } = 0.8;

    /// <inheritdoc/>
    public Tensor Perturb(IScorer model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    /// <remarks>Budgets are tried in ascending order, and larger ones take over what smaller ones found.</remarks>
    public IReadOnlyList<Tensor> PerturbWithin(IScorer model, Batch batch, IReadOnlyList<double> epsilons)
    {
        using var scope = NewDisposeScope();
        return scope.MoveAllToOuter(
            Survivors.Ascending(batch, epsilons, (rows, epsilon) => Search(model, rows, epsilon))
        );
    }

    private (Tensor, bool[]) Search(IScorer model, Batch all, double epsilon)
    {
        using var scope = NewDisposeScope();
        Batch batch = all.Select(Rows.All(all.Count));
        Tensor images = batch.Images.clone();
        var reached = new bool[batch.Count];
        long[] rows = Rows.All(batch.Count);
        Tensor best = Norm == Norm.Linf ? Stripes(batch, epsilon) : Tiles(batch, epsilon);
        Tensor margins = Margins(model, batch, best);
        for (int query = 1; Leave() && query < Queries; query++)
        {
            using var inner = NewDisposeScope();
            double side = Math.Sqrt(ShareAt(query - 1) * best.size(2) * best.size(3));
            Tensor next =
                Norm == Norm.Linf
                    ? Square(batch, best, epsilon, side, query)
                    : Windows(batch, best, epsilon, side, query);
            Tensor found = Margins(model, batch, next);
            best.copy_(where((found > margins).reshape(-1, 1, 1, 1), next, best));
            margins.copy_(found.maximum(margins));
        }

        if (rows.Length > 0)
            images.Put(rows, best);
        return (scope.MoveToOuter(images), reached);

        // Lets rows go that reached the goal; whether any are left.
        bool Leave()
        {
            bool[] hit = (margins > 0).ToArray<bool>();
            if (!hit.Contains(true))
                return true;
            long[] hits = Rows.Where(hit, true);
            long[] stay = Rows.Where(hit, false);
            using (NewDisposeScope())
                images.Put(rows.At(hits), best.At(hits));
            foreach (long row in rows.At(hits))
                reached[row] = true;
            (rows, batch, best, margins) = (rows.At(stay), batch.Narrow(stay), best.Narrow(stay), margins.Narrow(stay));
            return stay.Length > 0;
        }
    }

    // How far each image is past the boundary.
    private static Tensor Margins(IScorer model, Batch batch, Tensor points)
    {
        using var scope = NewDisposeScope();
        Tensor logProbabilities = model.Probabilities(batch.With(points)).clamp_min(Least).log();
        return scope.MoveToOuter(AttackLoss.Margin(batch.Goal)(logProbabilities));
    }

    private double ShareAt(int query) => Share / Math.Pow(2, s_halvings.Count(limit => query > limit));

    private static Tensor Stripes(Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        Tensor signs = (batch.Random.Uniform(0, batch.Images.size(1), 1, batch.Images.size(3)) - 0.5).sign();
        return scope.MoveToOuter((batch.Images + (epsilon * signs)).clamp(0.0, 1.0));
    }

    // One square of each image goes to the edge of the budget, up or down by channel.
    private static Tensor Square(Batch batch, Tensor best, double epsilon, double wanted, int draw)
    {
        var (channels, height, width) = (best.size(1), best.size(2), best.size(3));
        long side = Math.Clamp((long)Math.Round(wanted), 1, Math.Min(height, width));
        Tensor[] numbers = batch.Random.Uniform(draw, channels + 2).split([channels, 1, 1], 1);
        Tensor signs = (numbers[0] - 0.5).sign().reshape(-1, channels, 1, 1);
        Tensor down = Within(numbers[1], height, side).reshape(-1, 1, height, 1);
        Tensor across = Within(numbers[2], width, side).reshape(-1, 1, 1, width);
        return where(down & across, (batch.Images + (epsilon * signs)).clamp(0.0, 1.0), best);
    }

    // Which of so many places are within a stretch that begins at a random one of those where it fits, [N, places].
    private static Tensor Within(Tensor uniform, long places, long stretch)
    {
        Tensor begin = Begin(uniform, places, stretch);
        Tensor all = arange(places, ScalarType.Int64).reshape(1, -1);
        return (all >= begin) & (all < begin + stretch);
    }

    private static Tensor Begin(Tensor uniform, long places, long stretch) =>
        (uniform * (places - stretch + 1)).to(ScalarType.Int64);

    private static Tensor Tiles(Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        Tensor change = zeros_like(batch.Images);
        var (channels, height, width) = (change.size(1), change.size(2), change.size(3));
        long side = Math.Max(1, height / 5);
        var (down, across) = (height / side, width / side);
        Tensor numbers = batch.Random.Uniform(0, channels + 1, down, across) - 0.5;
        for (long tile = 0; tile < down * across; tile++)
        {
            var (y, x) = (tile / across, tile % across);
            long top = (height % side / 2) + (y * side);
            long left = (width % side / 2) + (x * side);
            Tensor[] number = numbers.slice(2, y, y + 1, 1).slice(3, x, x + 1, 1).split([channels, 1], 1);
            Tensor place = change.slice(2, top, top + side, 1).slice(3, left, left + side, 1);
            place.copy_(Pattern(side, number[1]) * number[0].sign());
        }

        return scope.MoveToOuter(OnSphere(batch.Images, change, epsilon));
    }

    // One window of each image takes the length of another, and what is unused, in its own direction plus a pattern.
    private static Tensor Windows(Batch batch, Tensor best, double epsilon, double wanted, int draw)
    {
        var (channels, height, width) = (best.size(1), best.size(2), best.size(3));
        long shorter = Math.Min(height, width);
        long side = Math.Clamp((long)Math.Round(wanted) | 1, Math.Min(3, shorter), (shorter - 1) | 1);
        Tensor[] numbers = batch.Random.Uniform(draw, channels + 5).split([channels, 1, 1, 1, 1, 1], 1);
        Tensor to = Window(numbers[2], numbers[3]);
        Tensor from = Window(numbers[4], numbers[5]);

        Tensor delta = (best - batch.Images).flatten(1);
        Tensor rest = delta.ScatterValue(1, from, 0.0).ScatterValue(1, to, 0.0);
        Tensor taken = (Squared(delta) - Squared(rest)).clamp_min(0.0);
        Tensor unused = (epsilon * epsilon - Squared(delta)).clamp_min(0.0);
        Tensor length = ((unused + taken) / channels).sqrt().reshape(-1, 1, 1, 1);

        Tensor signs = (numbers[0] - 0.5).sign().reshape(-1, channels, 1, 1);
        Tensor pattern = signs * Pattern(side, (numbers[1] - 0.5).reshape(-1, 1, 1, 1));
        Tensor own = delta.gather(1, to).reshape(-1, channels, side, side);
        Tensor fresh = length * Unit(Unit(own) + pattern);
        return OnSphere(batch.Images, rest.scatter(1, to, fresh.flatten(1)).reshape(best.shape), epsilon);

        // The positions of a window's values in a flat image, by where it begins.
        Tensor Window(Tensor top, Tensor left)
        {
            Tensor channel = arange(channels, ScalarType.Int64).reshape(1, -1, 1, 1) * (height * width);
            Tensor row = arange(side, ScalarType.Int64).reshape(1, 1, -1, 1) * width;
            Tensor inside = (channel + row + arange(side, ScalarType.Int64)).flatten(1);
            return inside + (Begin(top, height, side) * width) + Begin(left, width, side);
        }
    }

    private static Tensor Squared(Tensor rows) => (rows * rows).sum(1);

    private static Tensor Unit(Tensor windows) =>
        windows / linalg.vector_norm(windows, 2, s_window, true).clamp_min(Smallest);

    private static Tensor OnSphere(Tensor images, Tensor change, double epsilon) =>
        (images + (epsilon * Direction.Unit(change))).clamp(0.0, 1.0);

    // The window of length 1 that the paper draws for convolutions: one peak above, one of the other sign below; lying
    // where the number is negative.
    private static Tensor Pattern(long side, Tensor numbers)
    {
        var upright = new float[side * side];
        for (int y = 0; y < side; y++)
        {
            bool above = y < side / 2;
            long half = above ? side / 2 : side - (side / 2);
            long row = above ? y : y - (side / 2);
            for (int x = 0; x < side; x++)
            {
                long away = Math.Max(Math.Abs(row - (half / 2)), Math.Abs(x - (side / 2)));
                long layers = Math.Max(half, side) / 2;
                for (long k = away; k <= layers; k++)
                    upright[(y * side) + x] += (above ? 1f : -1f) / ((k + 1) * (k + 1));
            }
        }

        Tensor pattern = Unit(tensor(upright, [1, 1, side, side]));
        return where(numbers < 0, pattern.transpose(2, 3), pattern);
    }
}
