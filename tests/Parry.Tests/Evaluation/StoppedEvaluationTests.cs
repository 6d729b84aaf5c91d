using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using Parry.Tests.Attacks;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

/// <summary>Evaluations that do not reach their end.</summary>
public sealed class StoppedEvaluationTests
{
    [Fact]
    public void A_stopped_evaluation_has_what_was_found_by_then()
    {
        using var stop = new CancellationTokenSource();
        var evaluator = new Evaluator(Plan(new FastGradientSign(), new StoppingAttack(stop.Cancel)));
        Assert.Null(evaluator.SoFar("nothing was done"));
        Assert.Throws<OperationCanceledException>(() => evaluator.Evaluate(null, stop.Token));
        EvaluationFindings found = evaluator.SoFar("it was stopped")!;
        Assert.Equal(["none", "fgsm"], found.Rows.Select(row => row.Attack));
        Assert.Equal("it was stopped", found.Failure);
        Assert.Contains("holds only the results found by then", found.Notes[0], StringComparison.Ordinal);
    }

    [Fact]
    public void An_attack_that_fails_costs_only_its_own_rows_and_makes_the_others_upper_bounds()
    {
        EvaluationFindings found = Evaluator.Run(
            Plan(new StoppingAttack(() => throw new InvalidOperationException("It broke.")), new FastGradientSign())
        );
        Assert.Equal("stopping failed on the bare classifier: It broke", found.Failure);
        Assert.Contains(found.Rows, row => row.Attack == "fgsm");
        Assert.DoesNotContain(found.Rows, row => row.Attack == "stopping");
        Assert.Contains(found.Notes, note => note.Contains("is an upper bound", StringComparison.Ordinal));
    }

    [Fact]
    public void What_does_not_fit_the_model_is_refused_before_any_pass()
    {
        var counting = new CountingClassifier(new LinearClassifier(new ImageShape(1, 4, 4), classes: 2));
        EvaluationPlan plan = Plan(new FastGradientSign(), new AutoProjectedGradientDescent { Loss = ApgdLoss.Dlr });
        Assert.Throws<UserErrorException>(() => Evaluator.Run(plan with { Model = counting }));
        Assert.Equal(0, counting.Queries);
    }

    [Fact]
    public void A_run_stops_at_the_next_pass()
    {
        using var scope = NewDisposeScope();
        using var stop = new CancellationTokenSource();
        var problem = new LinearProblem(Norm.Linf, classes: 3, count: 4, seed: 3);
        var counting = new CountingClassifier(problem.Model);
        var run = new AttackRun(problem.Images, problem.Goal(targeted: false), 1) { Cancellation = stop.Token };
        Assert.Throws<OperationCanceledException>(() =>
            AttackRunner.Run(new StoppingAttack(stop.Cancel), (IClassifier)counting, run)
        );
        Assert.InRange(counting.Queries, 1, 4);
    }

    private static EvaluationPlan Plan(params IAttack<IClassifier>[] attacks) =>
        new()
        {
            ModelName = "linear",
            Model = new LinearClassifier(new ImageShape(1, 4, 4)),
            DataName = "checks",
            Images = new ImageSet("checks", new ImageShape(1, 4, 4), new byte[5 * 16], new int[5], ["a", "b", "c"]),
            Attacks = [.. attacks.Select(attack => new PlannedAttack(attack.Name, attack))],
            Defenses = [],
            Seed = 1,
        };

    // Does something, then asks the model once more.
    private sealed record StoppingAttack(Action Act) : IAttack<IClassifier>
    {
        public string Name => "stopping";

        public Norm Norm => Norm.Linf;

        public Tensor Perturb(IClassifier model, Batch batch)
        {
            Act();
            model.Predict(batch.With(batch.Images));
            return batch.Images;
        }
    }
}
