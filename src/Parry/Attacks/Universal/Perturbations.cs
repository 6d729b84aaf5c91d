using Parry.Attacks.Building;
using Parry.Models.Architectures;
using static TorchSharp.torch;

namespace Parry.Attacks.Universal;

/// <summary>
/// What a universal attack has learned: for each budget one perturbation, or one for each class that was wanted. It
/// owns them.
/// </summary>
internal sealed class Perturbations : IDisposable
{
    private const string Part = "perturbation";

    private readonly Norm _norm;
    private readonly bool _targeted;
    private readonly SortedDictionary<double, Tensor> _byBudget = [];

    private Perturbations(Norm norm, bool targeted) => (_norm, _targeted) = (norm, targeted);

    /// <summary>
    /// Learns a perturbation [1, C, H, W] for every budget and, where the goal has them, every wanted class among the
    /// images.
    /// </summary>
    /// <param name="norm">Of the budgets.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="data">The images to learn from.</param>
    /// <param name="epsilons">The budgets.</param>
    /// <param name="learn">From images with one goal and a budget to a perturbation; told how to report the share that
    /// is done.</param>
    /// <param name="progress">Told the share of everything that is done.</param>
    public static Perturbations Learn(
        Norm norm,
        int classes,
        Batch data,
        IReadOnlyList<double> epsilons,
        Func<Batch, double, IProgress<double>, Tensor> learn,
        IProgress<double>? progress
    )
    {
        using var scope = NewDisposeScope();
        var learned = new Perturbations(norm, data.Goal.IsTargeted);
        long[] wanted = WantedClasses.Of(data.Goal);
        double[] budgets = [.. epsilons.Distinct()];
        int done = 0;
        foreach (double epsilon in budgets)
        {
            Tensor all = zeros([data.Goal.IsTargeted ? classes : 1, .. data.Images.shape.AsSpan(1)]);
            foreach (long label in wanted)
            {
                var share = new PartOfProgress(progress, done++, budgets.Length * wanted.Length);
                all.Put([label], learn(data.Wanting(label), epsilon, share));
            }

            learned._byBudget[epsilon] = all.DetachFromDisposeScope();
        }

        return learned;
    }

    /// <summary>The perturbations, each under a <see cref="LearnedName"/>.</summary>
    public IReadOnlyDictionary<string, Tensor> State =>
        _byBudget.ToDictionary(
            learned => $"{new LearnedName(_targeted ? LearnedName.Each : LearnedName.Any, learned.Key, Part)}",
            learned => learned.Value
        );

    /// <summary>The perturbations of others, as <see cref="State"/> gave them, which are copied.</summary>
    /// <exception cref="InvalidDataException">They are something else.</exception>
    public static Perturbations Of(Norm norm, IReadOnlyDictionary<string, Tensor> state)
    {
        LearnedName[] names = [.. state.Keys.Select(LearnedName.Parse)];
        var learned = new Perturbations(norm, targeted: names.All(name => name.Goal == LearnedName.Each));
        foreach (LearnedName name in names)
            learned._byBudget[name.Epsilon] = state.Copy($"{name}");
        return learned;
    }

    /// <summary>
    /// The images with the perturbation added, within the budget and the box. A budget that was not learned for cuts
    /// the perturbation of the next larger one, or takes the largest.
    /// </summary>
    public Tensor Add(Tensor images, Goal goal, double epsilon)
    {
        AttackChecks.TrainedFor(goal, _targeted);
        using var scope = NewDisposeScope();
        Tensor all = _byBudget.FirstOrDefault(pair => pair.Key >= epsilon, _byBudget.Last()).Value;
        Tensor perturbed = images.add(_targeted ? all.index_select(0, goal.Labels) : all);
        return scope.MoveToOuter(new Ball(_norm, images, epsilon).Project(perturbed));
    }

    /// <summary>Frees the perturbations.</summary>
    public void Dispose()
    {
        foreach (Tensor perturbations in _byBudget.Values)
            perturbations.Dispose();
    }
}
