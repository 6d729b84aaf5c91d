using Parry.Attacks;
using Parry.Catalogs;
using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks.Conformance;

/// <summary>One problem for every attack of the catalog, and each attack's usual run on it, made once.</summary>
public sealed class ConformanceRuns : IDisposable
{
    internal const int Count = 10;

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, AttackSpec> _ready = [];
    private readonly Dictionary<string, UsualRun> _usual = [];

    public ConformanceRuns()
    {
        long[] labels = Problem.Labels.ToArray<long>();
        foreach (int row in Misclassified)
            labels[row] = (labels[row] + 1) % 4;
        Goal = Goal.Untargeted(tensor(labels).DetachFromDisposeScope());
    }

    /// <summary>The rows whose label is not what the model says.</summary>
    internal static int[] Misclassified { get; } = [3, 7];

    internal LinearProblem Problem { get; } = new(Norm.Linf, classes: 4, Count, seed: 11);

    internal Goal Goal { get; }

    public void Dispose() => _folder.Dispose();

    /// <summary>The attack, trained on the images of the problem where it has to learn.</summary>
    internal AttackSpec Ready(string text) =>
        Once(_ready, text, () => Trained(text, Problem.Model, Problem.Images, Goal, seed: 1));

    /// <summary>The attack, trained anew where it has to learn.</summary>
    internal AttackSpec Trained(string text, IClassifier model, Tensor images, Goal goal, long seed)
    {
        if (text.Contains("LINEAR", StringComparison.Ordinal))
        {
            string file = Path.Combine(_folder.Path, $"{Guid.NewGuid()}.safetensors");
            ((LinearClassifier)model).SaveAsNetwork(file);
            text = text.Replace("LINEAR", file, StringComparison.Ordinal);
        }

        return AttackCatalog.Parse(text).Train(model, new AttackRun(images, goal, seed));
    }

    /// <summary>What the attack does to the problem with seed 1.</summary>
    internal UsualRun Usual(string text) =>
        Once(
            _usual,
            text,
            () =>
            {
                var modal = new ModalClassifier(Problem.Model);
                var counting = new CountingClassifier(modal);
                IReadOnlyList<AttackResult> results = Ready(text).Run(counting, new AttackRun(Problem.Images, Goal, 1));
                return new UsualRun(results, counting.Queries, counting.Gradients, modal.Training);
            }
        );

    private static T Once<T>(Dictionary<string, T> known, string text, Func<T> make)
    {
        if (!known.TryGetValue(text, out T? value))
            known[text] = value = make();
        return value;
    }
}

/// <summary>An attack's results, the passes its model counted, and whether that was left in training mode.</summary>
internal sealed record UsualRun(
    IReadOnlyList<AttackResult> Results,
    long Queries,
    long Gradients,
    bool IsTrainingAfterwards
);

[CollectionDefinition(nameof(ConformanceRuns))]
public sealed class ConformanceCollection : ICollectionFixture<ConformanceRuns>;
