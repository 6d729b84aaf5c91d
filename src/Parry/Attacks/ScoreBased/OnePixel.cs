using Parry.Attacks.Catalog;
using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// The one-pixel attack (Su, Vargas, Sakurai, 2017, 1710.08864): differential evolution over where pixels are put and of what color, without crossover; a child a + F·(b - c) of three others takes its
/// parent's place when its margin is larger. The budget is L0, the number of changed values, so that k pixels of an image with C channels take k·C; untargeted and targeted; an image stops at the first success. Defaults are the
/// paper's: one pixel, a population of 400, 100 generations, F = 0.5, first places uniform and first colors normal around gray. Deviations: it stops at the first success rather than at a
/// probability of 5 or 90 %; the score is the margin of the log-probabilities, which float32 does not round to nothing; children outside are put on the border.
/// </summary>
public sealed record OnePixel : IBudgetAttack<IScorer>
{
    /// <inheritdoc/>
    public string Name => "one-pixel";

    /// <inheritdoc/>
    public Norm Norm => Norm.L0;

    /// <summary>The largest number of changed values; a pixel has as many as the image has channels.</summary>
    public double Epsilon { get; init; } = 1;

    /// <summary>The number of candidates.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 4: a child needs three others.</exception>
    public int Population
    {
        get;
        init => field = value >= 4 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"Differential evolution needs at least 4 candidates, not {value}.");
    } = 400;

    /// <summary>The number of generations after the first.</summary>
    public int Generations { get; init; } = 100;

    /// <summary>F: the weight of the difference between two others.</summary>
    public double Weight { get; init; } = 0.5;

    /// <summary>What the command line knows of it.</summary>
    public static AttackEntry Entry { get; } = new AttackEntry<OnePixel>(new(), "a few pixels, found by differential evolution", "Su, Vargas, Sakurai, 2017, 1710.08864")
        .Budget("the largest number of changed values; a pixel has one for each channel", attack => attack.Epsilon, (attack, value) => attack with { Epsilon = value })
        .Whole("population", 4, "number of candidates", attack => attack.Population, (attack, value) => attack with { Population = value })
        .Whole("generations", 0, "generations after the first", attack => attack.Generations, (attack, value) => attack with { Generations = value })
        .Number("weight", 0, "of the difference between two candidates", attack => attack.Weight, (attack, value) => attack with { Weight = value });

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">The budget is above zero and below one pixel.</exception>
    public Tensor Perturb(IScorer model, Tensor images, Goal goal, SampleRandom random)
    {
        int channels = (int)images.Size(1), pixels = (int)Math.Min(Epsilon / channels, images.Size(2) * images.Size(3));
        if (Epsilon > 0 && pixels == 0)
            throw new UserErrorException($"a pixel of these images has {channels} values: expected a budget of {channels} or a multiple for {Name}, got {Epsilon}");
        if (pixels == 0) return images.Clone();
        using var scope = new TensorScope();
        return scope.Keep(new AttackBatch<IScorer>(model, images, goal, random).InPieces(Population, batch => Evolve(batch, pixels)));
    }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> PerturbWithin(IScorer model, Tensor images, Goal goal, SampleRandom random, IReadOnlyList<double> epsilons) =>
        [.. epsilons.Select(epsilon => (this with { Epsilon = epsilon }).Perturb(model, images, goal, random))];

    /// <inheritdoc/>
    public override string ToString() => Entry.Describe(this);

    // Candidates are [N, population, genes], and each pixel's genes its row, its column and its color, all in [0, 1].
    private Tensor Evolve(AttackBatch<IScorer> batch, int pixels)
    {
        using var scope = new TensorScope();
        var best = new BestSoFar(batch.Images);
        long[] rows = Rows.All(batch.Count);
        long channels = batch.Images.Size(1);
        Tensor places = batch.Random.Uniform(0, Population, pixels, 2), colors = batch.Random.Normal(1, Population, pixels, channels).MulInPlace(0.5).AddInPlace(0.5);
        Tensor genes = Tensor.Cat([places, colors], 3).Flatten(2).ClampInPlace(0, 1), fitness = batch.Margins(Render(batch.Images, genes, pixels));
        for (int generation = 1; ; generation++)
        {
            // The fittest of each image; then the images that are done leave.
            Tensor fittest = fitness.ArgMax(1, keep: true);
            float[] margins = fitness.Gather(1, fittest).ToArray<float>();
            bool last = generation > Generations;
            long[] done = last ? Rows.All(rows.Length) : Rows.Where([.. margins.Select(margin => margin > 0)], true), stay = last ? [] : Rows.Where([.. margins.Select(margin => margin > 0)], false);
            if (done.Length > 0)
            {
                Tensor chosen = genes.At(done).Gather(1, fittest.At(done).Unsqueeze(2).Expand(done.Length, 1, genes.Size(2)));
                best.Take(rows.At(done), Render(batch.Images.At(done), chosen, pixels).Squeeze(1), margins.At(done));
                if (stay.Length == 0) return scope.Keep(best.Images);
                (batch, rows, genes, fitness) = (batch.Select(stay), rows.At(stay), genes.At(stay), fitness.At(stay));
            }

            Compete(generation);
        }

        void Compete(int generation)
        {
            using var inner = new TensorScope();
            var (first, second, third) = Others(batch.Random, generation);
            Tensor children = Pick(first).Add(Pick(second).AddInPlace(Pick(third), -1).MulInPlace(Weight)).ClampInPlace(0, 1);
            Tensor reached = batch.Margins(Render(batch.Images, children, pixels)), better = reached.Greater(fitness);
            genes.CopyInPlace(Tensor.Where(better.Unsqueeze(2), children, genes));
            fitness.CopyInPlace(reached.Maximum(fitness));
        }

        Tensor Pick(Tensor candidates) => genes.Gather(1, candidates.Unsqueeze(2).Expand(genes.Shape));
    }

    // Three candidates for each, different from each other and from itself.
    private (Tensor First, Tensor Second, Tensor Third) Others(SampleRandom random, int generation)
    {
        Tensor draws = random.Uniform(1 + generation, 3, Population);
        Tensor a = Below(0, Population - 1), b = Below(1, Population - 2), c = Below(2, Population - 3);

        // Steps around the circle of candidates: one that would land on an earlier one goes past it.
        b = Past(a, b);
        c = Past(a.Maximum(b), Past(a.Minimum(b), c));
        Tensor self = Tensor.Range(Population).To(DType.Float32);
        return (From(a), From(b), From(c));

        Tensor Below(int part, int end) => draws.Select(1, part).Mul(end).Floor().ClampInPlace(0, end - 1);

        static Tensor Past(Tensor taken, Tensor steps) => steps.Add(steps.GreaterOrEqual(taken).To(DType.Float32));

        Tensor From(Tensor steps)
        {
            Tensor sum = self.Add(steps).AddInPlace(1);
            return sum.Sub(sum.Greater(Population - 1).To(DType.Float32).Mul(Population)).To(DType.Int64);
        }
    }

    private static Tensor Render(Tensor images, Tensor genes, int pixels)
    {
        using var scope = new TensorScope();
        long count = images.Size(0), channels = images.Size(1), height = images.Size(2), width = images.Size(3), each = genes.Size(1);
        Tensor parts = genes.Reshape(count, each, pixels, 2 + channels);
        Tensor row = parts.Select(3, 0).Mul(height).Floor().ClampInPlace(0, height - 1), column = parts.Select(3, 1).Mul(width).Floor().ClampInPlace(0, width - 1);
        Tensor index = row.MulInPlace(width).AddInPlace(column).To(DType.Int64).Unsqueeze(2).Expand(count, each, channels, pixels);
        Tensor queries = images.Flatten(2).Unsqueeze(1).Repeat(1, each, 1, 1).ScatterInPlace(3, index, parts.Slice(3, 2, 2 + channels).Transpose(2, 3));
        return scope.Keep(queries.Reshape(count, each, channels, height, width));
    }
}
