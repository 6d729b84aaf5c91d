using System.Globalization;
using Parry.Attacks.Building;
using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Generative;

/// <summary>
/// The generators that an attack has trained: one for each budget, or for each budget and wanted class. It owns them.
/// </summary>
internal sealed class PerturbationGenerators : IDisposable
{
    private readonly bool _targeted;
    private readonly SortedDictionary<double, Dictionary<long, PerturbationGenerator>> _byBudget = [];

    private PerturbationGenerators(bool targeted) => _targeted = targeted;

    /// <summary>
    /// Trains a generator for every budget and, where the goal has them, every wanted class among the images.
    /// </summary>
    /// <param name="data">The images to learn from.</param>
    /// <param name="epsilons">The budgets.</param>
    /// <param name="train">From images with one goal and a budget to a generator; told how to report the share that is
    /// done.</param>
    /// <param name="progress">Told the share of everything that is done.</param>
    public static PerturbationGenerators Learn(
        Batch data,
        IReadOnlyList<double> epsilons,
        Func<Batch, double, IProgress<double>, PerturbationGenerator> train,
        IProgress<double>? progress
    )
    {
        var learned = new PerturbationGenerators(data.Goal.IsTargeted);
        long[] wanted = WantedClasses.Of(data.Goal);
        double[] budgets = [.. epsilons.Distinct()];
        int done = 0;
        try
        {
            foreach (double epsilon in budgets)
            {
                var generators = learned._byBudget[epsilon] = [];
                foreach (long label in wanted)
                {
                    using var scope = NewDisposeScope();
                    var share = new PartOfProgress(progress, done++, budgets.Length * wanted.Length);
                    generators[label] = train(data.Wanting(label), epsilon, share);
                }
            }

            return learned;
        }
        catch
        {
            learned.Dispose();
            throw;
        }
    }

    /// <summary>One generator for leaving the true class, which is owned from now on.</summary>
    public static PerturbationGenerators Of(PerturbationGenerator generator, double epsilon)
    {
        var learned = new PerturbationGenerators(targeted: false);
        learned._byBudget[epsilon] = new() { [WantedClasses.Any] = generator };
        return learned;
    }

    /// <summary>The weights of all, each under a <see cref="LearnedName"/>.</summary>
    public IReadOnlyDictionary<string, Tensor> State =>
        (
            from budget in _byBudget
            from generator in budget.Value
            from weight in generator.Value.State()
            let goal = _targeted ? $"{generator.Key}" : LearnedName.Any
            select KeyValuePair.Create($"{new LearnedName(goal, budget.Key, weight.Key)}", weight.Value)
        ).ToDictionary();

    /// <summary>Generators with the weights of others, as <see cref="State"/> gave them.</summary>
    /// <param name="state">The weights, which are copied.</param>
    /// <param name="shape">The shape of the images.</param>
    /// <exception cref="InvalidDataException">They are weights of something else.</exception>
    public static PerturbationGenerators Of(IReadOnlyDictionary<string, Tensor> state, ImageShape shape)
    {
        var generators = state
            .GroupBy(weight => LearnedName.Parse(weight.Key) with { Part = "" })
            .ToDictionary(own => own.Key, own => own.ToDictionary(w => LearnedName.Parse(w.Key).Part, w => w.Value));
        var learned = new PerturbationGenerators(targeted: generators.Keys.All(name => name.Goal != LearnedName.Any));
        using Generator random = Devices.Generator(0);
        foreach (var (name, weights) in generators)
        {
            var generator = new PerturbationGenerator(shape, random, PerturbationGenerator.LatentOf(weights));
            generator.LoadState(weights);
            learned._byBudget.TryAdd(name.Epsilon, []);
            learned._byBudget[name.Epsilon][ClassOf(name)] = generator;
        }

        return learned;
    }

    /// <summary>The perturbed images, in the box.</summary>
    /// <exception cref="UserErrorException">Nothing was learned for such a goal or such images.</exception>
    public Tensor Perturb(Tensor images, Goal goal, double epsilon)
    {
        using var scope = NewDisposeScope();
        if (!goal.IsTargeted)
            return scope.MoveToOuter(Add(images, Draw(images, WantedClasses.Any)));
        Tensor perturbed = images.clone();
        long[] wanted = goal.Labels.ToArray<long>();
        foreach (var rows in Rows.All(wanted.Length).GroupBy(row => wanted[row]))
        {
            Tensor some = images.At([.. rows]);
            perturbed.Put([.. rows], Add(some, Draw(some, rows.Key)));
        }

        return scope.MoveToOuter(perturbed);

        Tensor Draw(Tensor some, long label) =>
            epsilon * NetworkTraining.Apply(For(images, goal, epsilon, label), some);
    }

    /// <summary>The generator that a training goes on from, for images with one goal.</summary>
    /// <exception cref="UserErrorException">Nothing was learned for such a goal or such images.</exception>
    public PerturbationGenerator For(Batch data, double epsilon) =>
        For(data.Images, data.Goal, epsilon, WantedClasses.Of(data.Goal)[0]);

    // A budget that was not learned for takes the generator of the next larger one, or of the largest.
    private PerturbationGenerator For(Tensor images, Goal goal, double epsilon, long label)
    {
        AttackChecks.TrainedFor(goal, _targeted);
        Dictionary<long, PerturbationGenerator> generators = _byBudget
            .FirstOrDefault(pair => pair.Key >= epsilon, _byBudget.Last())
            .Value;
        if (!generators.TryGetValue(label, out PerturbationGenerator? generator))
            throw new UserErrorException(
                $"the attack was not trained towards class {label}, only towards "
                    + $"{string.Join(", ", generators.Keys)}: train it on images that are to become that class"
            );
        CheckFits(new ImageShape((int)images.size(1), (int)images.size(2), (int)images.size(3)));
        return generator;
    }

    /// <summary>Checks that they draw for images of a shape.</summary>
    /// <exception cref="UserErrorException">They were trained on others.</exception>
    public void CheckFits(ImageShape shape)
    {
        PerturbationGenerator any = _byBudget.Values.First().Values.First();
        if (any.Shape != shape)
            throw new UserErrorException(
                $"the attack was trained on images of {any.Shape}, not of {shape}: give weights that were trained on "
                    + "this data"
            );
    }

    /// <summary>Images with a perturbation, in the box.</summary>
    public static Tensor Add(Tensor images, Tensor perturbation) => (images + perturbation).clamp(0.0, 1.0);

    private static long ClassOf(LearnedName name) =>
        name.Goal == LearnedName.Any ? WantedClasses.Any
        : long.TryParse(name.Goal, CultureInfo.InvariantCulture, out long wanted) ? wanted
        : throw new InvalidDataException($"It holds '{name}', which names no class.");

    /// <summary>Frees the generators.</summary>
    public void Dispose()
    {
        foreach (PerturbationGenerator generator in _byBudget.Values.SelectMany(generators => generators.Values))
            generator.Dispose();
    }
}
