using System.Globalization;
using Parry.Attacks;
using Parry.Data;
using Parry.Defenses;
using Parry.Models;
using Parry.Reports;
using Parry.Torch;

namespace Parry.Evaluation;

/// <summary>
/// Crosses attacks with defenses. Every attack is run on the bare classifier; its images are then shown to each defense (the static attacker, who does not
/// know it); and it is run again on the defended classifier (the adaptive attacker, who does, and who for each image keeps the better of both: knowing more
/// never hurts). Verdicts use the defender's own random draws.
/// </summary>
public sealed class Evaluator
{
    private const int DefenderStream = 1;

    private readonly EvaluationPlan _plan;
    private readonly IProgress<EvaluationProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly List<EvaluationRow> _rows = [];
    private readonly List<RocCurve> _rocs = [];
    private readonly List<GalleryRow> _gallery = [];
    private readonly List<Outcome> _outcomes = [];
    private readonly List<EvaluationRow> _asMeasured = [];
    private readonly List<string> _notes = [];
    private int _done;

    private Evaluator(EvaluationPlan plan, IProgress<EvaluationProgress>? progress, CancellationToken cancellation)
    {
        _plan = plan;
        _progress = progress;
        _cancellation = cancellation;
    }

    /// <summary>Evaluates a plan.</summary>
    /// <returns>Rows, curves, pictures and warnings; the caller adds title, command and machine.</returns>
    /// <exception cref="UserErrorException">The parts of the plan do not fit together.</exception>
    public static EvaluationFindings Run(EvaluationPlan plan, IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        return new Evaluator(plan, progress, cancellation).Run();
    }

    private EvaluationFindings Run()
    {
        Tensor images = _plan.Images.ImageTensor(), labels = _plan.Images.LabelTensor();
        long[] truth = labels.ToArray<long>();
        bool[] bareRight = Right(DefendedImages.Predict(_plan.Model, images), truth);
        AddClean(EvaluationRow.Nothing, bareRight);

        var defended = new List<(DefenseSpec Defense, DefendedImages Clean, bool[] Right)>();
        foreach (DefenseSpec defense in _plan.Defenses)
        {
            Report($"{defense.Name} on clean images");
            DefendedImages clean = Defend(defense, images);
            bool[] right = Right(clean.Predictions, truth);
            AddClean(defense.Name, right);
            defended.Add((defense, clean, right));
        }

        foreach (PlannedAttack attack in _plan.Attacks)
        {
            Goal goal = attack.GoalFor(_plan.Model, images, labels, _plan.Seed);
            foreach (AttackResult result in Attack(attack, attack.Source ?? _plan.Model, "the bare classifier", images, goal, truth, attack.Source is null ? bareRight : null))
            {
                long[] predictions = DefendedImages.Predict(_plan.Model, result.Attempts);
                int rounded = Reached(goal, DefendedImages.Predict(_plan.Model, Rounding.ToBytes(result.Attempts))).Zip(Reached(goal, predictions), bareRight).Count(row => row.First && row.Second && row.Third);
                Add(attack, result, goal, EvaluationRow.Nothing, Threat.None, bareRight, predictions, images, null, truth, rounded: rounded);
                foreach (var (defense, clean, right) in defended)
                {
                    Report($"{attack.Name} shown to {defense.Name}");
                    using DefendedImages shown = Defend(defense, result.Attempts);
                    Add(attack, result, goal, defense.Name, Threat.Static, right, shown.Predictions, images, shown, truth, clean);
                }
            }

            foreach (var (defense, clean, right) in defended)
            {
                IClassifier known = defense.AttackersPurifier.Protect(defense.Classifier ?? _plan.Model, _plan.Seed, defense.Draws);
                foreach (AttackResult result in Attack(attack, known, $"{defense.Name}, adaptive", images, goal, truth, right))
                {
                    using DefendedImages shown = Defend(defense, result.Attempts);
                    Add(attack, result, goal, defense.Name, Threat.Adaptive, right, shown.Predictions, images, shown, truth, clean);
                }
            }
        }

        foreach (var (_, clean, _) in defended) clean.Dispose();
        WorstCase.Add(_outcomes, _rows, _plan);
        foreach (Outcome outcome in _outcomes) outcome.Result.Dispose();
        return new EvaluationFindings(_rows, _rocs, _gallery, _notes, GradientMasking.Warnings(_asMeasured));
    }

    private IReadOnlyList<AttackResult> Attack(PlannedAttack attack, IClassifier model, string where, Tensor images, Goal goal, long[] truth, bool[]? attacked)
    {
        using ITrainedAttack<IClassifier>? trained = attack.Attack is ITrainedAttack<IClassifier> { IsTrained: false } learner ? Train(attack, learner, model, where) : null;
        Report($"{attack.Name} on {where}");
        IAttack<IClassifier> ready = trained ?? attack.Attack;
        if (goal.IsTargeted) attacked = [.. goal.Labels.ToArray<long>().Select((target, i) => target != truth[i] && (attacked?[i] ?? true))];
        return ready is IBudgetAttack<IClassifier> budgeted && attack.Epsilons is { } epsilons
            ? AttackRunner.Run(budgeted, model, images, goal, _plan.Seed, epsilons, attacked, limits: _plan.Limits, cancellation: _cancellation)
            : [AttackRunner.Run(ready, model, images, goal, _plan.Seed, attacked, limits: _plan.Limits, cancellation: _cancellation)];
    }

    // An attack learns anew for each model that it is run on, from images that it is not judged on.
    private ITrainedAttack<IClassifier> Train(PlannedAttack attack, ITrainedAttack<IClassifier> learner, IClassifier model, string where)
    {
        Report($"{attack.Name} learns to attack {where}");
        ImageSet known = _plan.TrainingImages ?? throw new UserErrorException($"the attack {attack.Name} learns before it attacks: give the plan images to learn from, others than those it attacks");
        using var scope = new TensorScope();
        var (images, labels) = known.First(learner.TrainingImages);
        IReadOnlyList<double> epsilons = learner is IBudgetAttack<IClassifier> within ? attack.Epsilons ?? [within.Epsilon] : [];
        var (trained, training) = AttackRunner.Train(learner, model, images, attack.GoalFor(model, images, labels, _plan.Seed), _plan.Seed, epsilons, cancellation: _cancellation);
        if (training.Images > 0)
        {
            _notes.Add(string.Create(CultureInfo.InvariantCulture, $"{attack.Name} learned to attack {where} from {training.Images:N0} images of {known.Name} that it is not judged on, with "
                + $"{training.Queries:N0} queries and {training.Gradients:N0} gradients in {training.Seconds:0.0} s. Its rows count only what it asks when it attacks."));
        }

        return trained;
    }

    private static bool[] Reached(Goal goal, long[] predictions)
    {
        using Tensor predicted = Tensor.From(predictions), reached = goal.IsReached(predicted);
        return reached.ToArray<bool>();
    }

    private DefendedImages Defend(DefenseSpec defense, Tensor images)
    {
        long[] samples = [.. Enumerable.Range(0, (int)images.Size(0)).Select(i => (long)i)];
        return DefendedImages.Of(defense.Purifier, defense.Classifier ?? _plan.Model, images, new SampleRandom(_plan.Seed, samples).Fork(DefenderStream));
    }

    private void Add(PlannedAttack attack, AttackResult result, Goal goal, string defense, Threat threat, bool[] cleanRight, long[] predictions, Tensor clean,
        DefendedImages? shown, long[] truth, DefendedImages? cleanShown = null, int? rounded = null)
    {
        bool[] reached = Reached(goal, predictions);
        bool[] attackable = goal.IsTargeted ? [.. goal.Labels.ToArray<long>().Zip(truth, cleanRight).Select(row => row.Third && row.First != row.Second)] : cleanRight;
        float[] distances = result.Norm.Of(result.Attempts.Sub(clean)).ToArray<float>();

        // A minimizing attack counts within each budget that was asked for.
        IReadOnlyList<double?> budgets = result.Epsilon is null && attack.Epsilons is { } asked ? [.. asked.Select(e => (double?)e)] : [result.Epsilon];
        foreach (double? epsilon in budgets)
        {
            bool[] right = [.. reached.Select((there, i) => !there || (cleanRight[i] && !attackable[i]) || (result.Epsilon is null && distances[i] > epsilon))];
            var outcome = new Outcome(attack.Name, result.Norm, epsilon, defense, threat, cleanRight, attackable, right, distances, result) { SurviveRounding = rounded };
            _asMeasured.Add(outcome.ToRow(_plan));
            if (threat == Threat.Adaptive) outcome = outcome.OrBetter(_outcomes.First(o => (o.Attack, o.Epsilon, o.Defense, o.Threat) == (attack.Name, epsilon, defense, Threat.Static)));
            _outcomes.Add(outcome);
            _rows.Add(outcome.ToRow(_plan));
        }

        if (shown is not null && cleanShown is not null) AddRoc(attack, result, defense, threat, shown, cleanShown);
        bool last = attack.Epsilons is null || result.Epsilon is null || result.Epsilon == attack.Epsilons.Max();
        if (last) _gallery.Add(Gallery.Row(attack.Name, result, defense, threat, clean, shown, predictions, cleanRight, _plan));
    }

    private void AddRoc(PlannedAttack attack, AttackResult result, string defense, Threat threat, DefendedImages shown, DefendedImages clean)
    {
        float[] scores = [.. shown.Errors.Where((_, i) => result.Attacked[i])];
        if (scores.Length == 0) return;
        _rocs.Add(new RocCurve
        {
            Defense = defense,
            Attack = attack.Name,
            Norm = result.Norm.Name(),
            Epsilon = result.Epsilon,
            Threat = threat,
            Auc = Roc.Area(clean.Errors, scores),
            Points = Roc.Curve(clean.Errors, scores),
        });
    }

    private void AddClean(string defense, bool[] right) => _rows.Add(new EvaluationRow
    {
        Model = _plan.ModelName,
        Data = _plan.DataName,
        Attack = EvaluationRow.Nothing,
        Norm = null,
        Epsilon = null,
        Defense = defense,
        Threat = Threat.None,
        Count = right.Length,
        CleanCorrect = right.Count(r => r),
        RobustCorrect = right.Count(r => r),
        Attacked = 0,
        Succeeded = 0,
        MedianDistance = null,
        Gradients = 0,
        Queries = 0,
        Seconds = 0,
        Seed = _plan.Seed,
    });

    private void Report(string stage)
    {
        _cancellation.ThrowIfCancellationRequested();
        int stages = _plan.Defenses.Count + _plan.Attacks.Sum(attack => 1 + (2 * _plan.Defenses.Count) + (attack.Attack is ITrainedAttack<IClassifier> ? 1 + _plan.Defenses.Count : 0));
        _progress?.Report(new EvaluationProgress(stage, Math.Min(1, (double)_done++ / stages)));
    }

    private static bool[] Right(long[] predictions, long[] truth) => [.. predictions.Zip(truth, (p, t) => p == t)];
}

/// <summary>Where an evaluation stands.</summary>
/// <param name="Stage">What it does now.</param>
/// <param name="Share">The share of its stages that are done.</param>
public sealed record EvaluationProgress(string Stage, double Share);

/// <summary>What an evaluation found.</summary>
/// <param name="Rows">One per attack, budget, defense and threat.</param>
/// <param name="Rocs">Detection by reconstruction error.</param>
/// <param name="Gallery">Pictures.</param>
/// <param name="Notes">What attacks learned from before they attacked, and what that took.</param>
/// <param name="Warnings">Signs that an attack was weaker than it could be.</param>
public sealed record EvaluationFindings(
    IReadOnlyList<EvaluationRow> Rows, IReadOnlyList<RocCurve> Rocs, IReadOnlyList<GalleryRow> Gallery, IReadOnlyList<string> Notes, IReadOnlyList<string> Warnings);
