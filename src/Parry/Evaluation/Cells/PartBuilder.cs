using Parry.Attacks;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>Makes the records of one cell on one range of images, budget by budget.</summary>
/// <param name="plan">The evaluation.</param>
/// <param name="cell">The attack and the classifier.</param>
/// <param name="images">The clean images.</param>
/// <param name="goal">The attack's goal for each.</param>
/// <param name="cleanCorrect">Which of them the classifier, with its defense, is right about.</param>
internal sealed class PartBuilder(
    EvaluationPlan plan,
    Cell cell,
    RangeImages images,
    Goal goal,
    IReadOnlyList<bool> cleanCorrect
)
{
    private readonly bool[] _attackable = Attackable(images, goal, cleanCorrect);
    private readonly List<double?> _epsilons = [];
    private readonly List<double> _seconds = [];
    private readonly List<SampleResult[]> _results = [];
    private readonly List<GalleryRow> _gallery = [];
    private IReadOnlyList<string> _detectors = [];

    /// <summary>Adds what an attack did at one budget.</summary>
    /// <param name="result">The attack's images and its cost.</param>
    /// <param name="verdict">The classifier's verdict on the images.</param>
    /// <param name="survives">Which of them reach the goal also with 8 bits per value; null where that was not
    /// measured.</param>
    public void Add(AttackResult result, Verdict verdict, bool[]? survives = null)
    {
        using var scope = NewDisposeScope();
        Tensor change = result.Attempts - images.Pixels;
        float[] l0 = Norm.L0.Of(change).ToArray<float>();
        float[] l1 = Norm.L1.Of(change).ToArray<float>();
        float[] l2 = Norm.L2.Of(change).ToArray<float>();
        float[] linf = Norm.Linf.Of(change).ToArray<float>();
        bool[] reached = IsReached(goal, verdict.Predictions);
        _detectors = [.. verdict.Scores.Select(detector => detector.Name)];
        _epsilons.Add(result.Epsilon);
        _seconds.Add(result.Seconds);
        _results.Add([.. Enumerable.Range(0, images.Count).Select(Record)]);
        if (plan.GalleryImages > 0 && images.First == 0 && HasLargestBudget(result))
            _gallery.Add(Gallery.Row(plan, cell, images, cleanCorrect, result, verdict));

        SampleResult Record(int i)
        {
            bool leftAlone = cleanCorrect[i] && !_attackable[i];
            return new SampleResult
            {
                Answer = verdict.Predictions[i],
                Refused = verdict.Refused[i],
                Attacked = result.Attacked[i],
                Succeeded = result.Succeeded[i],
                Fooled = reached[i] && !verdict.Refused[i] && !leftAlone,
                SurvivesRounding = survives is null ? null : cleanCorrect[i] && reached[i] && survives[i],
                L0 = l0[i],
                L1 = l1[i],
                L2 = l2[i],
                Linf = linf[i],
                Queries = result.Queries[i],
                Gradients = result.Gradients[i],
                Scores = [.. verdict.Scores.Select(detector => detector.Values[i])],
            };
        }
    }

    /// <summary>The records of all budgets.</summary>
    /// <param name="training">What learning to attack took; null where nothing was learned.</param>
    public CellPart Finish(AttackTraining? training = null) =>
        new()
        {
            First = images.First,
            Norm = cell.Attack.Attack.Norm,
            Epsilons = _epsilons,
            Seconds = _seconds,
            Detectors = _detectors,
            Training = training,
            Gallery = _gallery,
            Samples =
            [
                .. Enumerable
                    .Range(0, images.Count)
                    .Select(i => new SampleRecord
                    {
                        Sample = images.First + i,
                        Label = images.Truth[i],
                        CleanCorrect = cleanCorrect[i],
                        Attackable = _attackable[i],
                        Results = [.. _results.Select(budget => budget[i])],
                    }),
            ],
        };

    /// <summary>Whether predictions reach a goal, [N].</summary>
    public static bool[] IsReached(Goal goal, long[] predictions)
    {
        using Tensor predicted = tensor(predictions);
        using Tensor reached = goal.IsReached(predicted);
        return reached.ToArray<bool>();
    }

    // The images worth attacking: classified correctly when clean and not of the target class.
    private static bool[] Attackable(RangeImages images, Goal goal, IReadOnlyList<bool> cleanCorrect)
    {
        if (!goal.IsTargeted)
            return [.. cleanCorrect];
        long[] targets = goal.Labels.ToArray<long>();
        return [.. cleanCorrect.Select((right, i) => right && targets[i] != images.Truth[i])];
    }

    private bool HasLargestBudget(AttackResult result) =>
        result.Epsilon is not { } epsilon || cell.Attack.Epsilons is not { } all || epsilon == all.Max();
}
