using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Torch;

namespace Parry.Attacks.Generative;

/// <summary>The generators that an attack has trained: one for each budget, or for each budget and wanted class. It owns them.</summary>
internal sealed class PerturbationGenerators : IDisposable
{
    private const long Any = -1;

    private readonly bool _targeted;
    private readonly SortedDictionary<double, Dictionary<long, PerturbationGenerator>> _byBudget = [];

    private PerturbationGenerators(bool targeted) => _targeted = targeted;

    /// <summary>Trains a generator for every budget and, where the goal has them, every wanted class among the images.</summary>
    /// <param name="data">The images to learn from.</param>
    /// <param name="epsilons">The budgets.</param>
    /// <param name="train">From images with one goal and a budget to a generator; told how to report the share that is done.</param>
    /// <param name="progress">Told the share of everything that is done.</param>
    public static PerturbationGenerators Learn<TModel>(AttackBatch<TModel> data, IReadOnlyList<double> epsilons,
        Func<AttackBatch<TModel>, double, IProgress<double>, PerturbationGenerator> train, IProgress<double>? progress) where TModel : IPredictor
    {
        var learned = new PerturbationGenerators(data.Goal.IsTargeted);
        long[] wanted = data.Goal.IsTargeted ? [.. data.Goal.Labels.ToArray<long>().Distinct().Order()] : [Any];
        double[] budgets = [.. epsilons.Distinct()];
        int done = 0;
        var share = new Share(value => progress?.Report((done + value) / (budgets.Length * wanted.Length)));
        try
        {
            foreach (double epsilon in budgets)
            {
                var generators = learned._byBudget[epsilon] = [];
                foreach (long label in wanted)
                {
                    using var scope = new TensorScope();
                    AttackBatch<TModel> images = label == Any ? data : data.Select(data.Goal.Labels.Equal(label).NonZero().Reshape(-1).ToArray<long>());
                    generators[label] = train(images, epsilon, share);
                    done++;
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

    /// <summary>The perturbed images, in the box. A budget that was not learned for takes the generator of the next larger one, or of the largest, and scales what it draws.</summary>
    public Tensor Perturb(Tensor images, Goal goal, double epsilon)
    {
        if (goal.IsTargeted != _targeted) throw new UserErrorException($"the attack was trained {(_targeted ? "towards classes" : "untargeted")}: train it for the goal it is to have");
        using var scope = new TensorScope();
        Dictionary<long, PerturbationGenerator> generators = _byBudget.FirstOrDefault(pair => pair.Key >= epsilon, _byBudget.Last()).Value;
        if (!_targeted) return scope.Keep(Add(images, NetworkTraining.Apply(generators[Any], images).Mul(epsilon)));
        Tensor perturbed = images.Clone();
        long[] wanted = goal.Labels.ToArray<long>();
        foreach (var rows in Rows.All(wanted.Length).GroupBy(row => wanted[row]))
        {
            if (!generators.TryGetValue(rows.Key, out PerturbationGenerator? generator))
                throw new UserErrorException($"the attack was not trained towards class {rows.Key}, only towards {string.Join(", ", generators.Keys)}: train it on images that are to become that class");
            Tensor some = images.At([.. rows]);
            perturbed.Put([.. rows], Add(some, NetworkTraining.Apply(generator, some).Mul(epsilon)));
        }

        return scope.Keep(perturbed);
    }

    /// <summary>Images with a perturbation, in the box.</summary>
    public static Tensor Add(Tensor images, Tensor perturbation) => images.Add(perturbation).Clamp(0, 1);

    /// <summary>Frees the generators.</summary>
    public void Dispose()
    {
        foreach (PerturbationGenerator generator in _byBudget.Values.SelectMany(generators => generators.Values)) generator.Dispose();
    }

    private sealed class Share(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
