using System.Diagnostics;
using Parry.Attacks;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>Measures what is still missing of a plan, cell by cell and range by range.</summary>
/// <param name="plan">The evaluation.</param>
/// <param name="cells">Its cells.</param>
/// <param name="store">What was measured before, and takes what is measured now.</param>
/// <param name="stages">Told what begins.</param>
/// <param name="log">Takes what the reader must know.</param>
internal sealed class Measurements(
    EvaluationPlan plan,
    PlannedCells cells,
    CellStore store,
    EvaluationStages stages,
    EvaluationLog log
)
{
    /// <summary>The ranges to measure.</summary>
    public required IReadOnlyList<ImageRange> Ranges { get; init; }

    /// <summary>Measures everything.</summary>
    public void Run()
    {
        foreach (Subject subject in cells.Subjects)
            MeasureClean(subject);
        MeasureTimes();
        foreach (PlannedAttack attack in plan.Attacks)
        {
            Try(attack.Name, cells.Bare, () => AttackUnaware(attack));
            foreach (Subject subject in cells.Defended)
                Try(attack.Name, subject, () => AttackAware(attack, subject));
        }

        foreach (Subject subject in cells.Defended)
            AttackByKnownBreaks(subject);
        foreach (Subject subject in cells.Subjects)
            CheckGradients(subject);
    }

    /// <summary>Has all attacks learn that must, and measures nothing.</summary>
    public void Prepare()
    {
        foreach (PlannedAttack attack in plan.Attacks)
        {
            Try(
                attack.Name,
                cells.Bare,
                () =>
                {
                    using AttackOnModel onModel = OnBare(attack);
                    onModel.Prepare(stages);
                }
            );
        }

        foreach (Cell cell in cells.Defended.SelectMany(cells.AllAware))
        {
            Try(
                cell.Attack.Name,
                cell.Subject,
                () =>
                {
                    using var attacker = new AwareAttacker(plan, cell, store.LearnedFile(cell.Name));
                    attacker.Prepare(stages);
                }
            );
        }
    }

    /// <summary>What is missing of all ranges.</summary>
    public IEnumerable<string> Missing()
    {
        IEnumerable<CellName> attacks = plan
            .Attacks.SelectMany(cells.Unaware)
            .Concat(cells.Defended.SelectMany(cells.AllAware).Where(cell => IsPossible(cell.Attack, cell.Subject)))
            .Select(cell => cell.Name);
        IEnumerable<string> parts =
            from name in cells.Subjects.Select(CellName.Clean).Concat(attacks)
            from range in cells.Ranges
            where store.Part(name, range) is null
            select $"{name}, {range}";
        IEnumerable<string> checks =
            from subject in cells.Subjects
            where subject.KnownTo(plan.Model, weight: 1) is IClassifier
            from range in cells.Ranges
            where store.Check(subject, range) is null
            select $"random search on {subject.Title}, {range}";
        return parts.Concat(checks);
    }

    // An attack that fails leaves the rows of the others.
    private void Try(string attack, Subject subject, Action run)
    {
        try
        {
            run();
        }
        catch (Exception e) when (e is not (EndpointException or IOException or OperationCanceledException))
        {
            log.Failed(attack, subject, e);
        }
    }

    private void MeasureClean(Subject subject)
    {
        CellName name = CellName.Clean(subject);
        ImageRange[] missing = Missing(name);
        if (missing.Length > 0)
            WarmUp(subject);
        foreach (ImageRange range in missing)
        {
            stages.BeginRange();
            using var scope = NewDisposeScope();
            stages.Begin($"{name}, {range}");
            RangeImages images = RangeImages.Of(plan.Images, range);
            store.Add(name, Clean(subject, images));
        }
    }

    /// <summary>Judges clean images.</summary>
    public static CellPart Clean(Subject subject, RangeImages images)
    {
        var clock = Stopwatch.StartNew();
        using Verdict verdict = subject.Judge(images.Clean);
        double seconds = clock.Elapsed.TotalSeconds;
        bool[] correct = verdict.Correct(images.Truth);
        return new CellPart
        {
            First = images.First,
            Seconds = [seconds],
            Detectors = [.. verdict.Scores.Select(detector => detector.Name)],
            Samples = [.. Enumerable.Range(0, images.Count).Select(Record)],
        };

        SampleRecord Record(int i) =>
            new()
            {
                Sample = images.First + i,
                Label = images.Truth[i],
                CleanCorrect = correct[i],
                Results =
                [
                    new SampleResult
                    {
                        Answer = verdict.Predictions[i],
                        Refused = verdict.Refused[i],
                        Scores = [.. verdict.Scores.Select(detector => detector.Values[i])],
                    },
                ],
            };
    }

    // The first pass of a process takes longer, and is not to be timed.
    private void WarmUp(Subject subject)
    {
        if (!plan.AnswersAreFree)
            return;
        using var scope = NewDisposeScope();
        RangeImages few = RangeImages.Of(
            plan.Images,
            new ImageRange(0, Math.Min(Workers.Shared.Count, plan.Images.Count))
        );
        subject.Judge(few.Clean).Dispose();
    }

    private void MeasureTimes()
    {
        if (
            store.Times.Count > 0
            || Ranges.Count == 0
            || store.Part(CellName.Clean(cells.Bare), cells.Ranges[0]) is null
        )
            return;
        (Subject Subject, double Milliseconds)[] once = [.. cells.Subjects.Select(subject => (subject, Once(subject)))];
        double[] times = plan.AnswersAreFree
            ? AnswerTimes.Of(once, plan.Images)
            : [.. once.Select(subject => subject.Milliseconds)];
        store.Times = once.Zip(times).ToDictionary(pair => pair.First.Subject.Name, pair => pair.Second);

        double Once(Subject subject)
        {
            CellPart first = store.Part(CellName.Clean(subject), cells.Ranges[0])!;
            return first.Seconds[0] * 1000 / first.Samples.Count;
        }
    }

    private AttackOnModel OnBare(PlannedAttack attack)
    {
        CellName name = cells.Unaware(attack)[0].Name;
        IPredictor seen = attack.Source ?? plan.Model;
        return new(plan, attack, seen, cells.Bare.Title, isDefended: false, store.LearnedFile(name));
    }

    // The attack on the bare classifier or its substitute, whose images are then shown to each defense.
    private void AttackUnaware(PlannedAttack attack)
    {
        Cell[] together = cells.Unaware(attack);
        using AttackOnModel onModel = OnBare(attack);
        NoteCameTrained(attack, onModel, cells.Bare.Title);
        foreach (ImageRange range in Missing([.. together.Select(cell => cell.Name)]))
        {
            stages.BeginRange();
            using var scope = NewDisposeScope();
            RangeImages images = RangeImages.Of(plan.Images, range);
            Goal goal = GoalFor(attack, images);
            bool[]? attacked = attack.Source is null ? CleanCorrect(cells.Bare, range) : null;
            PartBuilder[] builders = [.. together.Select(cell => BuilderOf(cell, range, images, goal))];
            foreach (AttackResult result in onModel.Run(images, goal, attacked, stages))
            {
                using AttackResult owned = result;
                Images attempts = images.With(result.Attempts);
                using Verdict verdict = cells.Bare.Judge(attempts);
                builders[0].Add(result, verdict, ReachedWithBytes(goal, attempts));
                for (int i = 1; i < together.Length; i++)
                {
                    stages.Begin($"{attack.Name} against {together[i].Subject.Title}, {range}");
                    using Verdict shown = together[i].Subject.Judge(attempts, verdict.Predictions);
                    builders[i].Add(result, shown);
                }
            }

            foreach (var (cell, builder) in together.Zip(builders))
                store.Add(cell.Name, builder.Finish(onModel.Training));
        }
    }

    // Which images reach the goal also with 8 bits per value.
    private bool[] ReachedWithBytes(Goal goal, Images attempts)
    {
        using Tensor rounded = Rounding.ToBytes(attempts.Pixels);
        return PartBuilder.IsReached(goal, Predictions.Of(plan.Model, rounded, attempts.Samples));
    }

    private void AttackAware(PlannedAttack attack, Subject subject)
    {
        if (!IsPossible(attack, subject))
        {
            log.Note(
                $"{attack.Name} was not run by an attacker who knows {subject.Title}: its detectors have no gradients "
                    + "to follow. An attack by scores or labels, such as square, can evade them."
            );
            return;
        }

        foreach (Cell cell in cells.Aware(attack, subject))
            AttackAware(cell);
    }

    private static bool IsPossible(PlannedAttack attack, Subject subject) =>
        !attack.NeedsDetectorGradients || !subject.CanRefuse || subject.DetectorsHaveGradients();

    private void AttackAware(Cell cell)
    {
        using var attacker = new AwareAttacker(plan, cell, store.LearnedFile(cell.Name));
        if (attacker.UsesSubstitute)
            log.Note(
                $"{cell.Attack.Name} by an attacker who knows {cell.Subject.Title} was crafted on the substitute "
                    + "behind that defense: it needs more than the model itself shows."
            );
        foreach (ImageRange range in Missing(cell.Name))
        {
            stages.BeginRange();
            using var scope = NewDisposeScope();
            RangeImages images = RangeImages.Of(plan.Images, range);
            Goal goal = GoalFor(cell.Attack, images);
            PartBuilder builder = BuilderOf(cell, range, images, goal);
            foreach (AttackResult result in attacker.Run(images, goal, CleanCorrect(cell.Subject, range), stages))
            {
                using AttackResult owned = result;
                using Verdict verdict = cell.Subject.Judge(images.With(result.Attempts));
                builder.Add(result, verdict);
            }

            store.Add(cell.Name, builder.Finish(attacker.Training));
        }
    }

    private void AttackByKnownBreaks(Subject subject)
    {
        if (cells.Breaks(subject) is not { } breaks)
        {
            string why = cells.ClassifierBehind(subject.Defense!) is null
                ? ", which need more than the model shows"
                : "";
            log.BreaksNotRun(subject.Defense!, why);
            return;
        }

        foreach (PlannedAttack known in breaks)
            Try(known.Name, subject, () => AttackAware(known, subject));
    }

    private void CheckGradients(Subject subject)
    {
        if (subject.KnownTo(plan.Model, weight: 1) is not IClassifier model)
            return;
        foreach (ImageRange range in Ranges.Where(range => store.Check(subject, range) is null))
        {
            stages.BeginRange();
            using var scope = NewDisposeScope();
            stages.Begin($"random search on {subject.Title}, {range}");
            RangeImages images = RangeImages.Of(plan.Images, range);
            Outcomes outcomes = Outcomes.Of(plan, cells, name => store.Part(name, range) is { } part ? [part] : null);
            var checks = new GradientChecks(plan.Seed, images, stages.Cancellation);
            store.Add(subject, checks.Measure(subject, model, CleanCorrect(subject, range), outcomes.Best));
        }
    }

    private Goal GoalFor(PlannedAttack attack, RangeImages images) =>
        attack.GoalFor(plan.Model, images.Pixels, images.Labels, plan.Seed, images.First);

    private PartBuilder BuilderOf(Cell cell, ImageRange range, RangeImages images, Goal goal) =>
        new(plan, cell, images, goal, CleanCorrect(cell.Subject, range));

    private bool[] CleanCorrect(Subject subject, ImageRange range) =>
        store.Part(CellName.Clean(subject), range)!.CleanCorrect;

    private ImageRange[] Missing(params CellName[] names) =>
        [.. Ranges.Where(range => names.Any(name => store.Part(name, range) is null))];

    private void NoteCameTrained(PlannedAttack attack, AttackOnModel onModel, string title)
    {
        if (onModel.CameTrained)
            log.Note(
                $"{attack.Name} was trained beforehand and attacks {title} as it is; the cost of its training is not "
                    + "counted."
            );
    }
}
