using Parry.Catalogs;
using Parry.Evaluation;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

/// <summary>Attacks that learn before they are evaluated.</summary>
public class EvaluatorTrainingTests
{
    [Fact]
    public void Attacks_that_learn_do_so_from_other_images_anew_for_each_model_and_their_rows_leave_that_out()
    {
        var learner = new Learner();
        EvaluationFindings findings = ToyEvaluation.Run(
            Purifier.Nothing,
            new PlannedAttack("learner", learner, [0.02, 0.1])
        );
        Assert.Equal([10, 10], learner.Seen.Select(images => images.Length / 16));
        Assert.All(learner.Seen.SelectMany(images => images), value => Assert.Equal(128 / 255f, value));
        Assert.Equal([0.02, 0.1], learner.Budgets);
        Assert.All(
            findings.Rows.Where(row => row.Attack == "learner"),
            row => Assert.Equal((0.0, 0.0), (row.Gradients, row.Queries))
        );
        Assert.Equal(2, findings.Notes.Count);
        Assert.Contains(
            "learner learned to attack the bare classifier from 10 images of others on which it is not evaluated, with "
                + "10 queries and 10 gradients",
            findings.Notes[0],
            StringComparison.Ordinal
        );
        Assert.Contains(
            "learner learned to attack nothing, adaptive from",
            findings.Notes[1],
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void An_attack_that_came_trained_learns_only_to_attack_a_defense_that_it_knows()
    {
        var learner = new Learner { IsTrained = true };
        EvaluationFindings findings = ToyEvaluation.Run(Purifier.Nothing, new PlannedAttack("learner", learner, [0.1]));
        Assert.Single(learner.Seen);
        Assert.Equal(2, findings.Notes.Count);
        Assert.Contains(
            "learner was trained beforehand and attacks the bare classifier as it is",
            findings.Notes[0],
            StringComparison.Ordinal
        );
        Assert.Contains(
            "learner learned to attack nothing, adaptive from",
            findings.Notes[1],
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void An_attack_that_aims_at_a_class_learns_to_reach_that_class()
    {
        var learner = new Learner();
        ToyEvaluation.Run(
            Purifier.Nothing,
            new PlannedAttack("learner", learner, [0.1], Target: TargetChoice.Parse("learner", "next"))
        );
        Assert.Equal(2, learner.Goals.Count);

        // The images it learns from are all of class 0.
        Assert.All(learner.Goals, goal => Assert.True(goal.IsTargeted && goal.Labels.All(label => label == 1)));
    }

    /// <summary>Remembers what it learned from, and does nothing.</summary>
    internal sealed record Learner : Parry.Attacks.IBudgetAttack<IClassifier>, Parry.Attacks.ITrainedAttack<IClassifier>
    {
        public List<float[]> Seen { get; init; } = [];

        public List<double> Budgets { get; init; } = [];

        public List<(bool IsTargeted, long[] Labels)> Goals { get; init; } = [];

        public string Name => "learner";

        public Parry.Attacks.Norm Norm => Parry.Attacks.Norm.Linf;

        public double Epsilon => 0.1;

        public bool IsTrained { get; init; }

        public int TrainingImages => 10;

        public Parry.Attacks.ITrainedAttack<IClassifier> Train(
            IClassifier model,
            Parry.Attacks.Batch data,
            IReadOnlyList<double> epsilons,
            IProgress<double>? progress = null,
            CancellationToken cancellation = default
        )
        {
            _ = model.Gradient(data.With(data.Images), Parry.Attacks.Building.AttackLoss.CrossEntropy(data.Goal));
            Seen.Add(data.Images.ToArray<float>());
            Goals.Add((data.Goal.IsTargeted, data.Goal.Labels.ToArray<long>()));
            if (Budgets.Count == 0)
                Budgets.AddRange(epsilons);
            return this with { IsTrained = true };
        }

        public IReadOnlyDictionary<string, Tensor>? Learned =>
            IsTrained ? new Dictionary<string, Tensor> { ["nothing"] = zeros(1) } : null;

        public Parry.Attacks.ITrainedAttack<IClassifier> WithLearned(
            IPredictor model,
            IReadOnlyDictionary<string, Tensor> learned
        ) => this with { IsTrained = learned.Keys.SequenceEqual(["nothing"]) };

        public Tensor Perturb(IClassifier model, Parry.Attacks.Batch batch, double epsilon) =>
            IsTrained ? batch.Images : throw new InvalidOperationException();

        public IReadOnlyList<Tensor> PerturbWithin(
            IClassifier model,
            Parry.Attacks.Batch batch,
            IReadOnlyList<double> epsilons
        ) => [.. epsilons.Select(epsilon => Perturb(model, batch, epsilon))];

        public void Dispose() { }
    }
}
