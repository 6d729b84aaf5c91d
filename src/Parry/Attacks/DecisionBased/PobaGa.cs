using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// POBA-GA, perturbation optimized attacks by a genetic algorithm (Chen, Su, Shen, Xiong, Zheng, 2019, 1906.03181): a
/// population of noises is crossed pixel by pixel and mutated, and bred by a fitness on two levels: first whether the
/// goal is reached, then how visible the noise is. It looks for a small perturbation with labels only, [N, C, H, W]
/// to the same, targeted or not. Visibility is Z, the sum over pixels of σ(10·|change| - 5.8) - σ(-5.8), in which
/// faint changes count less than their share; the fitness is 1 - α·Z/(largest Z at first) where the goal is reached
/// and -α elsewhere: the paper's p(best) - p(true) - α·Z/max Z, with the label in place of confidences, which are not
/// seen here. Defaults: α = 3, crossover always and mutation with 0.001, as published; 50 noises, 400 generations.
/// Deviations: one of the first noises is a blend of uniform noise, or of another image of the run, that reaches the
/// goal (an image without one, in 10,000 draws, is returned clean; <see cref="Start"/>), the others are Gaussian with
/// deviations up to 1; the fittest always survives; fitness is counted from the least of its generation, so that
/// chances are not negative; mutation multiplies single pixels by 0, 1 or 2, where whole noises would mutate too
/// rarely to matter.
/// </summary>
public sealed record PobaGa : IAttack<IPredictor>, IBoundarySearch
{
    private const double Steepness = 10;
    private const double Middle = 5.8;

    // Larger batches leave the cache, and models answer slower.
    private const int MostQueries = 128;

    /// <inheritdoc/>
    public string Name => "poba-ga";

    /// <summary>L2, in which results are reported; what is minimized is the paper's own measure.</summary>
    public Norm Norm => Norm.L2;

    /// <summary>The number of noises bred for each image.</summary>
    [Option("population", "noises bred for each image", Min = 2)]
    public int Population { get; init; } = 50;

    /// <summary>The number of generations.</summary>
    [Option("generations", "generations", Min = 1)]
    public int Generations { get; init; } = 400;

    /// <summary>The chance that two noises are crossed rather than copied.</summary>
    [Option("crossover", "chance that two noises are crossed")]
    public double Crossover { get; init; } = 1;

    /// <summary>The chance of each pixel of a child to be multiplied by 0, 1 or 2.</summary>
    [Option("mutation", "chance of each pixel to mutate")]
    public double Mutation { get; init; } = 0.001;

    /// <summary>α: what visibility weighs beside reaching the goal.</summary>
    [Option("alpha", "weight of visibility in the fitness")]
    public double Alpha { get; init; } = 3;

    /// <inheritdoc/>
    [Option("start", "where the first image that reaches the goal is looked for")]
    public StartFrom Start { get; init; } = StartFrom.NoiseThenImages;

    /// <inheritdoc/>
    public Tensor Perturb(IPredictor model, Batch batch) =>
        StartingPoint.SearchFrom(
            model,
            batch,
            given: null,
            Start,
            (rows, start) => Evolve(model, rows, start),
            MostQueries / Population
        );

    private Tensor Evolve(IPredictor model, Batch batch, Tensor start)
    {
        using var scope = NewDisposeScope();
        long[] shape = batch.Images.shape[1..];
        Tensor best = start.clone();
        Tensor images = batch.Images.unsqueeze(1);
        Tensor deviations = tensor(
            (float[])[.. Enumerable.Range(1, Population).Select(i => (float)i / Population)],
            [1, Population, 1, 1, 1]
        );
        Tensor noises = deviations * batch.Random.Fork(0).Normal(0, [Population, .. shape]);
        double[] fittest = [.. Enumerable.Repeat(double.NegativeInfinity, batch.Count)];
        double[] scale = [];
        for (int generation = 1; generation <= Generations; generation++)
        {
            using var inner = NewDisposeScope();

            // The fittest so far, at first the starting point, has the first place.
            Tensor others = (images + noises.slice(1, 1, Population, 1)).clamp(0.0, 1.0);
            Tensor population = cat([best.unsqueeze(1), others], 1);
            Tensor shown = population.flatten(0, 1);
            noises.copy_(population - images);
            bool[] reached = batch.Goal.Repeat(Population).IsReached(model.Predict(batch.With(shown))).ToArray<bool>();
            Tensor perceived = ((Steepness * noises.abs()) - Middle).sigmoid() - (1 / (1 + Math.Exp(Middle)));
            float[] visible = perceived.sum([2, 3, 4]).ToArray<float>();
            if (generation == 1)
                scale = [.. visible.Chunk(Population).Select(sizes => Math.Max(sizes.Max(), 1e-12))];
            double[] fitness =
            [
                .. visible.Select((size, i) => reached[i] ? 1 - (Alpha * size / scale[i / Population]) : -Alpha),
            ];
            for (int row = 0; row < batch.Count; row++)
            {
                int champion = Enumerable.Range(row * Population, Population).MaxBy(i => fitness[i]);
                if (fitness[champion] <= fittest[row])
                    continue;
                fittest[row] = fitness[champion];
                best.Put([row], shown.slice(0, champion, champion + 1, 1));
            }

            if (generation < Generations)
                noises.copy_(Breed(noises, fitness, batch.Random.Fork(generation)));
        }

        return scope.MoveToOuter(best);
    }

    // Children of parents chosen by fitness: two of each pair, between whom a coin for each pixel decides.
    private Tensor Breed(Tensor noises, double[] fitness, SampleRandom random)
    {
        using var scope = NewDisposeScope();
        long[] shape = noises.shape[2..];
        int pairs = (Population + 1) / 2;
        float[] chances = random.Uniform(0, pairs, 2).ToArray<float>();
        long[] parents = [.. chances.Select((chance, i) => Choose(fitness, i / (2 * pairs) * Population, chance))];
        Tensor chosen = noises.flatten(0, 1).At(parents).reshape([-1, pairs, 2, .. shape]);
        Tensor first = chosen.select(2, 0);
        Tensor second = chosen.select(2, 1);
        Tensor copied = random.Uniform(1, pairs, 1, 1, 1) >= Crossover;
        Tensor coin = copied | (random.Uniform(2, [pairs, .. shape]) < 0.5);
        Tensor children = cat([where(coin, first, second), where(coin, second, first)], 1).slice(1, 0, Population, 1);
        Tensor luck = random.Uniform(3, [Population, .. shape]);

        // A mutation sets a value to zero, doubles it or leaves it, each in a third of the cases.
        Tensor factor = ones_like(luck);
        factor = where((luck >= Mutation * 2 / 3) & (luck < Mutation), 2 * factor, factor);
        factor = where(luck < Mutation / 3, zeros_like(factor), factor);
        return scope.MoveToOuter(children * factor);
    }

    // The roulette wheel: chances in proportion to what fitness is above the least.
    private long Choose(double[] fitness, int from, double chance)
    {
        ReadOnlySpan<double> mine = fitness.AsSpan(from, Population);
        double least = mine[0];
        double sum = 0;
        foreach (double value in mine)
            least = Math.Min(least, value);
        foreach (double value in mine)
            sum += value - least;
        if (sum == 0)
            return from + Math.Min((int)(chance * Population), Population - 1);
        double left = chance * sum;
        for (int i = 0; i < mine.Length; i++)
        {
            left -= mine[i] - least;
            if (left < 0)
                return from + i;
        }

        return from + Population - 1;
    }
}
