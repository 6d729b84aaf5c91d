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
    public void CheckFits(IPredictor model, IReadOnlyList<double> epsilons)
    {
        int channels = model.Shape.Channels;
        foreach (double epsilon in epsilons)
        {
            if (epsilon > 0 && epsilon < channels)
                throw new UserErrorException(
                    $"a pixel of these images has {channels} values: expected a budget of {channels} or a multiple "
                        + $"for {Name}, got {epsilon}"
                );
        }
    }

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">The budget is above zero and below one pixel.</exception>
    public Tensor Perturb(IScorer model, Batch batch, double epsilon)
    {
        CheckFits(model, [epsilon]);
        Tensor images = batch.Images;
        int channels = (int)images.size(1);
        int pixels = (int)Math.Min(epsilon / channels, images.size(2) * images.size(3));
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
        Tensor places = batch.Random.Uniform(0, Population, pixels, 2);
        Tensor colors = 0.5 + (0.5 * batch.Random.Normal(1, Population, pixels, batch.Images.size(1)));
        Tensor genes = cat([places, colors], 3).flatten(2).clamp(0.0, 1.0);
        Tensor fitness = model.Margins(batch, Render(batch.Images, genes, pixels));
        for (int generation = 1; ; generation++)
        {
            // The fittest of each image; then the images that are done leave.
            Tensor fittest = fitness.argmax(1, true);
            float[] margins = fitness.gather(1, fittest).ToArray<float>();
            bool[] isDone = [.. margins.Select(margin => margin > 0 || generation > Generations)];
            long[] done = Rows.Where(isDone, true);
            if (done.Length > 0)
            {
                Tensor chosen = Pick(fittest).At(done);
                Tensor drawn = Render(batch.Images.At(done), chosen, pixels).squeeze(1);
                best.Take(drawn, tensor(margins.At(done)), rows: rows.At(done));
                long[] stay = Rows.Where(isDone, false);
                if (stay.Length == 0)
                    return scope.MoveToOuter(best.Images);
                (batch, rows, genes, fitness) = (batch.Select(stay), rows.At(stay), genes.At(stay), fitness.At(stay));
            }

            Compete(generation);
        }

        // DE/rand/1: a + F(b - c), kept where it is fitter.
        void Compete(int generation)
        {
            using var inner = NewDisposeScope();
            var (a, b, c) = Others(batch.Random, generation);
            Tensor children = (Pick(a) + (Weight * (Pick(b) - Pick(c)))).clamp(0.0, 1.0);
            Tensor childFitness = model.Margins(batch, Render(batch.Images, children, pixels));
            genes.copy_(where((childFitness > fitness).unsqueeze(2), children, genes));
            fitness.copy_(childFitness.maximum(fitness));
        }

        Tensor Pick(Tensor candidates) => genes.gather(1, candidates.unsqueeze(2).expand(-1, -1, genes.size(2)));
    }

    // Three candidates for each, different from each other and from itself.
    private (Tensor First, Tensor Second, Tensor Third) Others(SampleRandom random, int generation)
    {
        Tensor draws = random.Uniform(1 + generation, 3, Population);

        // Steps around the circle of candidates: one that would land on an earlier one goes past it.
        Tensor a = Below(0, Population - 1);
        Tensor b = Past(a, Below(1, Population - 2));
        Tensor c = Past(a.maximum(b), Past(a.minimum(b), Below(2, Population - 3)));
        Tensor self = arange(Population, ScalarType.Int64);
        return ((self + a + 1) % Population, (self + b + 1) % Population, (self + c + 1) % Population);

        Tensor Below(int part, int end) =>
            (end * draws.select(1, part)).floor().clamp_max(end - 1.0).to(ScalarType.Int64);

        static Tensor Past(Tensor taken, Tensor steps) => steps + (steps >= taken).to(ScalarType.Int64);
    }

    private static Tensor Render(Tensor images, Tensor genes, int pixels)
    {
        using var scope = NewDisposeScope();
        var (count, each) = (images.size(0), genes.size(1));
        var (channels, height, width) = (images.size(1), images.size(2), images.size(3));
        Tensor[] parts = genes.reshape(count, each, pixels, 2 + channels).split([1, 1, channels], 3);
        Tensor row = (height * parts[0]).floor().clamp_max(height - 1.0);
        Tensor column = (width * parts[1]).floor().clamp_max(width - 1.0);
        Tensor index = ((row * width) + column).to(ScalarType.Int64).transpose(2, 3);
        Tensor queries = images.flatten(2).unsqueeze(1).repeat(1, each, 1, 1);
        queries.scatter_(3, index.expand(count, each, channels, pixels), parts[2].transpose(2, 3));
        return scope.MoveToOuter(queries.reshape(count, each, channels, height, width));
    }
}
