using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// The one-pixel attack (Su, Vargas, Sakurai, 2017, 1710.08864): differential evolution over where pixels are put and
/// of what color, without crossover; a child a + F·(b - c) of three others takes its parent's place when its margin is
/// larger. The budget is L0, the number of changed values, so that k pixels of an image with C channels take k·C;
/// untargeted and targeted; an image stops at the first success. Defaults are the paper's: one pixel, a population of
/// 400, 100 generations, F = 0.5, first places uniform and first colors normal around gray. Deviations: it stops at the
/// first success rather than at a probability of 5 or 90 %; the score is the margin of the log-probabilities, which
/// float32 does not round to nothing; children outside are put on the border.
/// </summary>
public sealed record OnePixel : IBudgetAttack<IScorer>
{
    /// <inheritdoc/>
    public string Name => "one-pixel";

    /// <inheritdoc/>
    public Norm Norm => Norm.L0;

    /// <summary>The largest number of changed values; a pixel has as many as the image has channels.</summary>
    [Option("eps", "the largest number of changed values; a pixel has one for each channel")]
    public double Epsilon { get; init; } = 1;

    /// <summary>The number of candidates.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 4: a child needs three others.</exception>
    [Option("population", "number of candidates", Min = 4)]
    public int Population
    {
        get;
        init =>
            field =
                value >= 4
                    ? value
                    : throw new ArgumentOutOfRangeException(
                        nameof(value),
                        $"Differential evolution needs at least 4 candidates, not {value}."
                    );
    } = 400;

    /// <summary>The number of generations after the first.</summary>
    [Option("generations", "generations after the first")]
    public int Generations { get; init; } = 100;

    /// <summary>F: the weight of the difference between two others.</summary>
    [Option("weight", "of the difference between two candidates")]
    public double Weight { get; init; } = 0.5;

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">The budget is above zero and below one pixel.</exception>
    public Tensor Perturb(IScorer model, Batch batch, double epsilon)
    {
        Tensor images = batch.Images;
        int channels = (int)images.size(1),
            pixels = (int)Math.Min(epsilon / channels, images.size(2) * images.size(3));
        if (epsilon > 0 && pixels == 0)
            throw new UserErrorException(
                $"a pixel of these images has {channels} values: expected a budget of {channels} or a multiple for "
                    + $"{Name}, got {epsilon}"
            );
        if (pixels == 0)
            return images.clone();
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(batch.InPieces(Population, rows => Evolve(model, rows, pixels)));
    }

    // Candidates are [N, population, genes], and each pixel's genes its row, its column and its color, all in [0, 1].
    private Tensor Evolve(IScorer model, Batch batch, int pixels)
    {
        using var scope = NewDisposeScope();
        var best = new BestSoFar(batch.Images);
        long[] rows = Rows.All(batch.Count);
        long channels = batch.Images.size(1);
        Tensor places = batch.Random.Uniform(0, Population, pixels, 2),
            colors = batch.Random.Normal(1, Population, pixels, channels).mul_(0.5).add_(0.5);
        Tensor genes = cat([places, colors], 3).flatten(2).clamp_(0.0, 1.0),
            fitness = model.Margins(batch, Render(batch.Images, genes, pixels));
        for (int generation = 1; ; generation++)
        {
            // The fittest of each image; then the images that are done leave.
            Tensor fittest = fitness.argmax(1, true);
            float[] margins = fitness.gather(1, fittest).ToArray<float>();
            bool last = generation > Generations;
            long[] done = last ? Rows.All(rows.Length) : Rows.Where([.. margins.Select(margin => margin > 0)], true),
                stay = last ? [] : Rows.Where([.. margins.Select(margin => margin > 0)], false);
            if (done.Length > 0)
            {
                Tensor chosen = genes
                    .At(done)
                    .gather(1, fittest.At(done).unsqueeze(2).expand(done.Length, 1, genes.size(2)));
                best.Take(rows.At(done), Render(batch.Images.At(done), chosen, pixels).squeeze(1), margins.At(done));
                if (stay.Length == 0)
                    return scope.MoveToOuter(best.Images);
                (batch, rows, genes, fitness) = (batch.Select(stay), rows.At(stay), genes.At(stay), fitness.At(stay));
            }

            Compete(generation);
        }

        void Compete(int generation)
        {
            using var inner = NewDisposeScope();
            var (first, second, third) = Others(batch.Random, generation);
            Tensor children = Pick(first).add(Pick(second).add_(Pick(third), -1.0).mul_(Weight)).clamp_(0.0, 1.0);
            Tensor reached = model.Margins(batch, Render(batch.Images, children, pixels)),
                better = reached.gt(fitness);
            genes.copy_(where(better.unsqueeze(2), children, genes));
            fitness.copy_(reached.maximum(fitness));
        }

        Tensor Pick(Tensor candidates) => genes.gather(1, candidates.unsqueeze(2).expand(genes.shape));
    }

    // Three candidates for each, different from each other and from itself.
    private (Tensor First, Tensor Second, Tensor Third) Others(SampleRandom random, int generation)
    {
        Tensor draws = random.Uniform(1 + generation, 3, Population);
        Tensor a = Below(0, Population - 1),
            b = Below(1, Population - 2),
            c = Below(2, Population - 3);

        // Steps around the circle of candidates: one that would land on an earlier one goes past it.
        b = Past(a, b);
        c = Past(a.maximum(b), Past(a.minimum(b), c));
        Tensor self = arange(Population, ScalarType.Int64).to(ScalarType.Float32);
        return (From(a), From(b), From(c));

        Tensor Below(int part, int end) =>
            draws.select(1, part).mul((double)end).floor().clamp_(0.0, (double)(end - 1));

        static Tensor Past(Tensor taken, Tensor steps) => steps.add(steps.ge(taken).to(ScalarType.Float32));

        Tensor From(Tensor steps)
        {
            Tensor sum = self.add(steps).add_(1.0);
            return sum.sub(sum.gt((double)(Population - 1)).to(ScalarType.Float32).mul((double)Population))
                .to(ScalarType.Int64);
        }
    }

    private static Tensor Render(Tensor images, Tensor genes, int pixels)
    {
        using var scope = NewDisposeScope();
        long count = images.size(0),
            channels = images.size(1),
            height = images.size(2),
            width = images.size(3),
            each = genes.size(1);
        Tensor parts = genes.reshape(count, each, pixels, 2 + channels);
        Tensor row = parts.select(3, 0).mul((double)height).floor().clamp_(0.0, (double)(height - 1)),
            column = parts.select(3, 1).mul((double)width).floor().clamp_(0.0, (double)(width - 1));
        Tensor index = row.mul_((double)width)
            .add_(column)
            .to(ScalarType.Int64)
            .unsqueeze(2)
            .expand(count, each, channels, pixels);
        Tensor queries = images
            .flatten(2)
            .unsqueeze(1)
            .repeat(1, each, 1, 1)
            .scatter_(3, index, parts.slice(3, 2, 2 + channels, 1).transpose(2, 3));
        return scope.MoveToOuter(queries.reshape(count, each, channels, height, width));
    }
}
