using Parry.Attacks;
using Parry.Defenses;
using Parry.Models;
using Parry.Models.Http;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>Measures what a plan asks for, attack by attack.</summary>
internal sealed class Measurements
{
    private readonly EvaluationPlan _plan;
    private readonly TestImages _test;
    private readonly EvaluationStages _stages;
    private readonly EvaluationRecords _records;
    private readonly PlanAttacks _attacks;

    /// <summary>Prepares the clean images.</summary>
    /// <param name="plan">The evaluation.</param>
    /// <param name="stages">Told what begins.</param>
    /// <param name="records">Takes what is found.</param>
    public Measurements(EvaluationPlan plan, EvaluationStages stages, EvaluationRecords records)
    {
        (_plan, _stages, _records) = (plan, stages, records);
        _test = TestImages.Of(plan.Images);
        _attacks = new PlanAttacks(plan, _test, stages, records);
    }

    /// <summary>Measures everything.</summary>
    /// <returns>Warnings about attacks that may be too weak.</returns>
    public IReadOnlyList<string> Run()
    {
        // One untimed pass: the first pass of a process over a whole batch takes longer.
        if (_plan.AnswersAreFree)
            Predictions.Of(_plan.Model, _test.Pixels);
        Subject bare = MeasureClean(null);
        Subject[] defended = [.. _plan.Defenses.Select(MeasureClean)];
        MeasureTimes([bare, .. defended]);
        foreach (PlannedAttack attack in _plan.Attacks)
        {
            Goal goal = attack.GoalFor(_plan.Model, _test.Pixels, _test.Labels, _plan.Seed);
            Try(attack.Name, bare, () => AttackUnaware(attack, goal, bare, defended));
            foreach (Subject subject in defended)
                Try(attack.Name, subject, () => AttackAware(attack, goal, subject));
        }

        foreach (Subject subject in defended)
            AttackByKnownBreaks(subject);
        return new WeakAttackWarnings(_plan, _test, _stages, _records).Measure([bare, .. defended]);
    }

    // An attack that fails leaves the rows of the others.
    private void Try(string attack, Subject subject, Action run)
    {
        try
        {
            run();
        }
        catch (Exception e) when (e is not (EndpointException or OperationCanceledException))
        {
            _records.Failed(attack, subject, e);
        }
    }

    private void MeasureTimes(Subject[] subjects)
    {
        double[] times = _plan.AnswersAreFree
            ? AnswerTimes.Of(subjects, _test)
            : [.. subjects.Select(subject => subject.Milliseconds)];
        foreach (var (subject, milliseconds) in subjects.Zip(times))
            _records.AddTime(subject, milliseconds);
    }

    private Subject MeasureClean(DefenseSpec? defense)
    {
        if (defense is not null)
            _stages.Begin($"{defense.Name} on clean images");
        var subject = Subject.Measure(_plan, defense, _test);
        _records.AddClean(subject);
        return subject;
    }

    // The attack on the bare classifier or its substitute, whose images are then shown to each defense.
    private void AttackUnaware(PlannedAttack attack, Goal goal, Subject bare, Subject[] defended)
    {
        var victim = new Victim(attack.Source ?? _plan.Model, bare.Title)
        {
            Attacked = attack.Source is null ? bare.CleanCorrect : null,
        };
        Threat unaware = attack.Source is null ? Threat.GreyBox : Threat.BlackBox;
        foreach (AttackResult result in _attacks.Run(attack, goal, victim))
        {
            using AttackResult owned = result;
            using Verdict verdict = bare.Judge(Images.Of(result.Attempts));
            _records.Add(
                new CellResult(new Cell(attack, goal, bare, Threat.None), result, verdict)
                {
                    SurviveRounding = CountSurvivors(goal, result, verdict, bare),
                },
                _test
            );
            foreach (Subject subject in defended)
            {
                _stages.Begin($"{attack.Name} against {subject.Title}");
                using Verdict shown = subject.Judge(Images.Of(result.Attempts), verdict.Predictions);
                _records.Add(new CellResult(new Cell(attack, goal, subject, unaware), result, shown), _test);
            }
        }
    }

    // Images that are classified correctly before the attack, and reach its goal also with 8 bits per value.
    private int CountSurvivors(Goal goal, AttackResult result, Verdict verdict, Subject bare)
    {
        bool[] reached = CellResult.IsReached(goal, verdict.Predictions);
        using Tensor rounded = Rounding.ToBytes(result.Attempts);
        bool[] reachedRounded = CellResult.IsReached(goal, Predictions.Of(_plan.Model, rounded));
        return Enumerable.Range(0, _test.Count).Count(i => bare.CleanCorrect[i] && reached[i] && reachedRounded[i]);
    }

    // The attack by an attacker who knows the defense, and by one who also knows its random seed.
    private void AttackAware(PlannedAttack attack, Goal goal, Subject subject)
    {
        if (attack.NeedsDetectorGradients && subject.CanRefuse && !subject.DetectorsHaveGradients(_test))
        {
            _records.Note(
                $"{attack.Name} was not run by an attacker who knows {subject.Title}: its detectors have no gradients "
                    + "to follow. An attack by scores or labels, such as square, can evade them."
            );
            return;
        }

        Run(Threat.WhiteBox, subject.KnownTo, $"{subject.Title}, adaptive");
        if (_plan.Revisited && subject.IsRandom)
            Run(Threat.WhiteBoxRevisited, subject.WithDraws, $"{subject.Title}, adaptive with its seed");

        void Run(Threat threat, Func<IPredictor, double?, IPredictor> defend, string title)
        {
            AttackResult[] results = RunWeighted(
                attack,
                goal,
                subject,
                weight => Seen(attack, subject, model => defend(model, weight)),
                title
            );
            Record(new Cell(attack, goal, subject, threat), results);
        }
    }

    // Attacks a model with detectors: the weight of the detectors is searched, so what fails with one weight is tried
    // with the next.
    private AttackResult[] RunWeighted(
        PlannedAttack attack,
        Goal goal,
        Subject subject,
        Func<double?, IPredictor> seen,
        string title
    )
    {
        AttackResult[]? results = null;
        foreach (double? weight in attack.DetectorWeights.Take(subject.CanRefuse ? int.MaxValue : 1))
        {
            bool[] left = results is null ? subject.CleanCorrect : StillToFool(results);
            if (!left.Contains(true) && results is not null)
                break;
            var victim = new Victim(seen(weight), title) { Attacked = left, IsDefended = true };
            IReadOnlyList<AttackResult> next = _attacks.Run(attack, goal, victim);
            results = results is null ? [.. next] : [.. results.Zip(next, (first, again) => first.OrElse(again))];
        }

        return results!;
    }

    // Images that were attacked without success at some budget.
    private static bool[] StillToFool(AttackResult[] results) =>
        [
            .. Enumerable
                .Range(0, results[0].Attacked.Length)
                .Select(i => results.Any(result => result.Attacked[i] && !result.Succeeded[i])),
        ];

    private void Record(Cell cell, IReadOnlyList<AttackResult> results)
    {
        foreach (AttackResult result in results)
        {
            using AttackResult owned = result;
            using Verdict verdict = cell.Subject.Judge(Images.Of(result.Attempts));
            _records.Add(new CellResult(cell, result, verdict), _test);
        }
    }

    // The defended classifier as the attacker rebuilds it: around the substitute where the model shows too little.
    private IPredictor Seen(PlannedAttack attack, Subject subject, Func<IPredictor, IPredictor> defend)
    {
        IPredictor model = defend(_plan.Model);
        if (attack.Source is null || attack.Attack.Fits(model))
            return model;
        _records.Note(
            $"{attack.Name} by an attacker who knows {subject.Title} was crafted on the substitute behind that "
                + "defense: it needs more than the model itself shows."
        );
        return defend(attack.Source);
    }

    // These attacks follow the gradients of the classifier behind the defense.
    private void AttackByKnownBreaks(Subject subject)
    {
        DefenseSpec defense = subject.Defense!;
        if (defense.Breaks.Count == 0)
            return;
        var behind = (defense.AttackersClassifier ?? defense.Behind(_plan.Model)) as IClassifier;
        if (!_plan.KnownBreaks || behind is null)
        {
            string why = behind is null ? ", which need more than the model shows" : "";
            string names = string.Join(", ", defense.Breaks.Select(known => known.Name));
            _records.KnownBreaksNotRun(defense);
            _records.Note(
                $"The attacks known to break {defense.Name} were not run{why}: {names}. Its numbers are upper bounds."
            );
            return;
        }

        foreach (KnownBreak known in defense.Breaks)
        {
            IAttack<IClassifier> against = known.Against(defense, behind);
            double[] budgets =
            [
                .. _plan
                    .Attacks.Where(attack => attack.Attack.Norm == against.Norm)
                    .SelectMany(attack => attack.Epsilons ?? [])
                    .Distinct()
                    .Order(),
            ];
            var attack = new PlannedAttack(known.Name, against, budgets.Length == 0 ? null : budgets)
            {
                IsKnownBreak = true,
            };
            Try(known.Name, subject, () => AttackAware(attack, Goal.Untargeted(_test.Labels), subject));
        }
    }
}
