using System.ComponentModel.DataAnnotations;
using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.ScoreBased;

/// <summary>
/// GenAttack (Alzantot, Sharma, Chakraborty, Zhang, Hsieh, Srivastava, 2018, 1805.11090): a genetic algorithm on
/// perturbations within a Linf budget. The best member of a generation lives on; the others are children of parents
/// drawn by their scores, crossed value by value and mutated; range and rate of mutation shrink by a tenth whenever 100
/// generations bring nothing. Targeted in the paper; untargeted it leaves the true class in the same way. An image
/// stops at the first success. Defaults are the paper's: a population of 6, rate from 0.5 down to 0.1, range from 0.4 ε
/// down to 0.15 ε, a selection temperature of 0.3 and ε = 0.3 as for MNIST; the 5,000 generations ask at most 25,006
/// times, a quarter of its limit. Its fixed setting for MNIST (rate 0.05, range ε) is had with adaptive off. Large
/// images take a smaller perturbation, resized bilinearly (the paper's 96x96 for ImageNet). Deviations: the score is
/// the margin of the log-probabilities over the best other class, not over the sum of all; images are cut off at the
/// box; and the paper has Linf alone: in L2 a member that is too long is shortened, and the values that a mutation
/// changes share its range, so that its length is about that part of ε.
/// </summary>
public sealed record GeneticAttack : IBudgetAttack<IScorer>
{
    private const double Temperature = 0.3;
    private const double FirstRate = 0.5;
    private const double FirstRange = 0.4;
    private const double Shrink = 0.9;
    private const double Smallest = 1e-9;
    private const int Plateau = 100;
    private const int LargestWhole = 96;
    private readonly double? _epsilon;

    /// <inheritdoc/>
    public string Name => "genattack";

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

    /// <summary>The members of a generation.</summary>
    [Option("population", "members of a generation", Min = 2)]
    public int Population { get; init; } = 6;

    /// <summary>The number of generations after the first.</summary>
    [Option("generations", "generations after the first")]
    public int Generations { get; init; } = 5000;

    /// <summary>Whether rate and range of mutation shrink when nothing gets better.</summary>
    [Option("adaptive", "shrink rate and range when nothing gets better")]
    public bool Adaptive { get; init; } = true;

    /// <summary>
    /// ρ: the share of values that a mutation changes, or the least one when it shrinks; null for 0.05, or 0.1.
    /// </summary>
    [Option("rate", "share of values that a mutation changes, or the least; auto: 0.1, not adaptive 0.05")]
    public double? Rate { get; init; }

    /// <summary>
    /// α: the range of a mutation as a part of the budget, or the least one when it shrinks; null for 1, or 0.15.
    /// </summary>
    [Option("range", "range of a mutation as a part of eps, or the least; auto: 0.15, not adaptive 1")]
    public double? Range { get; init; }

    /// <summary>
    /// The height and width of the perturbation, at most the image's; null for the image's, at most 96.
    /// </summary>
    [Option("side", "height and width of the perturbation; auto: the image's, at most 96", Min = 1)]
    public int? Side { get; init; }

    /// <inheritdoc/>
    public Tensor Perturb(IScorer model, Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(batch.InPieces(Population, rows => Evolve(model, rows, epsilon)));
    }

    // Members are [N, population, values]; the elite is the first.
    private Tensor Evolve(IScorer model, Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        var best = new BestSoFar(batch.Images);
        long[] rows = Rows.All(batch.Count);
        long channels = batch.Images.size(1);
        long height = Math.Min(Side ?? LargestWhole, batch.Images.size(2));
        long width = Math.Min(Side ?? LargestWhole, batch.Images.size(3));
        Tensor uniform = batch.Random.Uniform(0, Population, channels * height * width);
        Tensor members = Within((Norm == Norm.Linf ? epsilon : 1) * ((2 * uniform) - 1));
        Tensor fitness = model.Margins(batch, Images(members));
        float[] record = [.. rows.Select(_ => float.NegativeInfinity)];
        var idle = new int[batch.Count];
        var plateaus = new int[batch.Count];
        for (int generation = 1; ; generation++)
        {
            float[] margins = PutFittestFirst();
            long[] stay = generation > Generations ? [] : Rows.Where([.. margins.Select(margin => margin > 0)], false);
            if (stay.Length < rows.Length)
            {
                best.Take(Images(members.slice(1, 0, 1, 1)).squeeze(1), fitness.select(1, 0), rows: rows);
                if (stay.Length == 0)
                    return scope.MoveToOuter(best.Images);
                (batch, rows, members) = (batch.Select(stay), rows.At(stay), members.At(stay));
                (fitness, margins, record) = (fitness.At(stay), margins.At(stay), record.At(stay));
                (idle, plateaus) = (idle.At(stay), plateaus.At(stay));
            }

            for (int i = 0; i < rows.Length; i++)
            {
                idle[i] = margins[i] > record[i] ? 0 : idle[i] + 1;
                record[i] = Math.Max(record[i], margins[i]);
                if (idle[i] <= Plateau)
                    continue;
                (idle[i], plateaus[i]) = (0, plateaus[i] + 1);
            }

            Breed(generation);
        }

        // Returns the margins of the fittest members, which stay where they are.
        float[] PutFittestFirst()
        {
            using var inner = NewDisposeScope();
            Tensor order = (-fitness).argsort(1);
            members.copy_(members.gather(1, order.unsqueeze(2).expand(members.shape)));
            fitness.copy_(fitness.gather(1, order));
            return fitness.select(1, 0).ToArray<float>();
        }

        void Breed(int generation)
        {
            using var inner = NewDisposeScope();
            int children = Population - 1;
            long values = members.size(2);
            SampleRandom random = batch.Random.Fork(generation);

            // The largest of scores with Gumbel noise is a draw by their softmax.
            Tensor scores = fitness / Temperature;
            Tensor gumbel = -(-random.Uniform(0, 2 * children, Population).clamp(1e-12, 1.0).log()).log();
            Tensor parents = (scores.unsqueeze(1) + gumbel).argmax(2);
            Tensor[] parentScores = scores.gather(1, parents).split([children, children], 1);
            Tensor[] couples = members
                .gather(1, parents.unsqueeze(2).expand(rows.Length, 2 * children, values))
                .split([children, children], 1);
            Tensor share = (parentScores[0] - parentScores[1]).sigmoid().unsqueeze(2);
            Tensor crossed = where(random.Uniform(1, children, values) < share, couples[0], couples[1]);

            // One number decides whether a value mutates and, if so, how far.
            Tensor rate = Column(plateaus.Select(MutationRate));
            Tensor range = epsilon * Column(plateaus.Select(MutationRange));
            if (Norm == Norm.L2)
                range /= (rate * values).sqrt().clamp_min(1.0);
            Tensor draws = random.Uniform(2, children, values);
            Tensor position = (2 * draws / rate.clamp_min(Smallest)) - 1;
            Tensor moves = where(draws < rate, position * range, zeros_like(draws));
            Tensor offspring = Within(crossed + moves);
            members.slice(1, 1, Population, 1).copy_(offspring);
            fitness.slice(1, 1, Population, 1).copy_(model.Margins(batch, Images(offspring)));
        }

        // Resizing lengthens a member in L2 by about the root of the number of pixels that one becomes.
        Tensor Within(Tensor changes)
        {
            if (Norm == Norm.Linf)
                return changes.clamp(-epsilon, epsilon);
            double growth = Math.Sqrt((double)batch.Images.size(2) * batch.Images.size(3) / (height * width));
            return Shortened(changes, epsilon / growth);
        }

        Tensor Images(Tensor changes)
        {
            using var inner = NewDisposeScope();
            long each = changes.size(1);
            long[] shape = [rows.Length, each, .. batch.Images.shape.AsSpan(1)];
            Tensor planes = changes.reshape(rows.Length * each, channels, height, width);
            if (height < shape[3] || width < shape[4])
                planes = nn.functional.interpolate(
                    planes,
                    [shape[3], shape[4]],
                    mode: InterpolationMode.Bilinear,
                    align_corners: false
                );
            Tensor clean = batch.Images.unsqueeze(1);
            Tensor moved = (clean + planes.reshape(shape)).clamp(0.0, 1.0);
            return inner.MoveToOuter(Norm == Norm.Linf ? moved : clean + Shortened(moved - clean, epsilon));
        }
    }

    // Changes [N, population, …], each no longer than allowed.
    private static Tensor Shortened(Tensor changes, double most)
    {
        long[] values = [.. Enumerable.Range(2, (int)changes.dim() - 2).Select(d => (long)d)];
        Tensor length = linalg.vector_norm(changes, 2, values, true).clamp_min(Smallest);
        return changes * (most / length).clamp_max(1.0);
    }

    private double MutationRate(int plateaus) =>
        Adaptive ? Math.Max(Rate ?? 0.1, FirstRate * Math.Pow(Shrink, plateaus)) : Rate ?? 0.05;

    private double MutationRange(int plateaus) =>
        Adaptive ? Math.Max(Range ?? 0.15, FirstRange * Math.Pow(Shrink, plateaus)) : Range ?? 1;

    private static Tensor Column(IEnumerable<double> numbers) => Rows.Column(numbers).reshape(-1, 1, 1);
}
