using System.Diagnostics;
using System.Globalization;
using Parry.Attacks;
using Parry.Attacks.Steps;
using Parry.Data;
using Parry.Defenses;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>
/// Crosses attacks with defenses. Every attack is run on the bare classifier; its images are then shown to each defense
/// (grey box: the attacker does not know it; black box where the images come from a substitute); and it is run again on
/// the defended classifier (white box: the attacker knows it, and for each image keeps the better of both: knowing more
/// never hurts). Attacks known to break a defense are run on it besides. Verdicts use the defender's own random draws.
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
    private readonly List<(EvaluationRow Row, bool? ByGradients)> _asMeasured = [];
    private readonly List<string> _notes = [];
    private readonly List<AnswerTime> _times = [];
    private int _done;

    private Evaluator(EvaluationPlan plan, IProgress<EvaluationProgress>? progress, CancellationToken cancellation)
    {
        _plan = plan;
        _progress = progress;
        _cancellation = cancellation;
    }

    /// <summary>Evaluates a plan.</summary>
    /// <returns>Rows, curves, pictures and warnings; the caller adds title, command and machine. Where a model behind
    /// an address failed on the way, what was found before.</returns>
    /// <exception cref="UserErrorException">The parts of the plan do not fit together.</exception>
    /// <exception cref="EndpointException">A model behind an address failed before anything was found.</exception>
    public static EvaluationFindings Run(
        EvaluationPlan plan,
        IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        return new Evaluator(plan, progress, cancellation).Run();
    }

    private EvaluationFindings Run()
    {
        var defended = new List<(DefenseSpec Defense, DefendedImages Clean, bool[] Right)>();
        List<string> warnings = [];
        string? failure = null;
        try
        {
            warnings = Measure(defended);
            WorstCase.Add(_outcomes, _rows, _plan);
        }
        catch (EndpointException e) when (_rows.Count > 0)
        {
            failure = e.Message;
            _notes.Insert(0, $"This evaluation broke off, and only what it had found until then is here: {failure}.");
        }
        finally
        {
            foreach (var (_, clean, _) in defended)
                clean.Dispose();
            foreach (Outcome outcome in _outcomes)
                outcome.Result.Dispose();
        }

        return new EvaluationFindings(_rows, _rocs, _gallery, _times, _notes, warnings) { Failure = failure };
    }

    private List<string> Measure(List<(DefenseSpec Defense, DefendedImages Clean, bool[] Right)> defended)
    {
        Tensor images = _plan.Images.ImageTensor(),
            labels = _plan.Images.LabelTensor();
        long[] truth = labels.ToArray<long>();

        // Once without the clock: a process's first pass over a whole batch takes longer.
        if (IsHere)
            Predictions.Of(_plan.Model, images);
        bool[] bareRight = Right(
            Timed(images, shown => Predictions.Of(_plan.Model, shown), out double bareTime),
            truth
        );
        AddClean(EvaluationRow.Nothing, bareRight, bareTime);

        foreach (DefenseSpec defense in _plan.Defenses)
        {
            Report($"{defense.Name} on clean images");
            DefendedImages clean = Timed(images, shown => Defend(defense, shown), out double time);
            bool[] right =
            [
                .. Right(clean.Predictions, truth).Zip(clean.Refused, (there, refused) => there && !refused),
            ];
            AddClean(defense.Name, right, time, Refused(defense, clean));
            defended.Add((defense, clean, right));
        }

        foreach (PlannedAttack attack in _plan.Attacks)
        {
            Goal goal = attack.GoalFor(_plan.Model, images, labels, _plan.Seed);
            foreach (
                AttackResult result in Attack(
                    attack,
                    attack.Source ?? _plan.Model,
                    "the bare classifier",
                    images,
                    goal,
                    truth,
                    attack.Source is null ? bareRight : null
                )
            )
            {
                long[] predictions = Predictions.Of(_plan.Model, result.Attempts);
                int rounded = Reached(goal, Predictions.Of(_plan.Model, Rounding.ToBytes(result.Attempts)))
                    .Zip(Reached(goal, predictions), bareRight)
                    .Count(row => row.First && row.Second && row.Third);
                Add(
                    attack,
                    result,
                    goal,
                    null,
                    Threat.None,
                    bareRight,
                    null,
                    images,
                    truth,
                    null,
                    predictions,
                    rounded
                );
                foreach (var (defense, clean, right) in defended)
                {
                    Report($"{attack.Name} shown to {defense.Name}");
                    using DefendedImages shown = Defend(defense, result.Attempts);
                    Add(
                        attack,
                        result,
                        goal,
                        defense,
                        attack.Source is null ? Threat.GreyBox : Threat.BlackBox,
                        right,
                        shown,
                        images,
                        truth,
                        clean
                    );
                }
            }

            foreach (var (defense, clean, right) in defended)
                Adapt(attack, goal, defense, clean, right, images, truth);
        }

        foreach (var (defense, clean, right) in defended)
        {
            // What is known to break a defense follows the gradients of what stands behind it.
            var broken = (defense.AttackersClassifier ?? defense.Behind(_plan.Model)) as IClassifier;
            bool runs = _plan.KnownBreaks && broken is not null;
            if (!runs && defense.Breaks.Count > 0)
                _notes.Add(
                    $"{defense.Name} was not attacked by what is known to break "
                        + $"it{(broken is null ? ", for which the model shows too little" : "")}: "
                        + $"{string.Join(", ", defense.Breaks.Select(known => known.Name))}."
                );
            foreach (KnownBreak known in runs ? defense.Breaks : [])
            {
                IAttack<IClassifier> against = known.Against(broken!);
                double[] budgets =
                [
                    .. _plan
                        .Attacks.Where(attack => attack.Attack.Norm == against.Norm)
                        .SelectMany(attack => attack.Epsilons ?? [])
                        .Distinct()
                        .Order(),
                ];
                Adapt(
                    new PlannedAttack(known.Name, against, budgets.Length == 0 ? null : budgets),
                    Goal.Untargeted(labels),
                    defense,
                    clean,
                    right,
                    images,
                    truth
                );
            }
        }

        return Warnings(
            images,
            truth,
            [
                (null, _plan.Model, bareRight),
                .. defended.Select(entry =>
                    ((DefenseSpec?)entry.Defense, entry.Defense.KnownTo(_plan.Model, _plan.Seed), entry.Right)
                ),
            ]
        );
    }

    // A model that shows no gradients is one behind an address, whose every answer may cost.
    private bool IsHere => _plan.Model is IClassifier;

    private List<string> Warnings(
        Tensor images,
        long[] truth,
        IEnumerable<(DefenseSpec? Defense, IPredictor Model, bool[] Right)> models
    )
    {
        EvaluationRow[] Of(bool byGradients) =>
            [.. _asMeasured.Where(measured => measured.ByGradients == byGradients).Select(measured => measured.Row)];
        List<string> warnings =
        [
            .. GradientMasking.Warnings([.. _asMeasured.Select(measured => measured.Row)]),
            .. GradientMasking.OfBlindAttacks(Of(true), Of(false)),
        ];
        var checks = new GradientChecks(_plan, images, truth, _cancellation);
        foreach (var (defense, seen, right) in models)
        {
            if (seen is not IClassifier model)
                continue;
            string name = defense?.Name ?? "the bare classifier";
            Report($"random search on {name}");
            if (checks.ZeroGradients(name, model, right) is { } flat)
                warnings.Add(flat);
            if (
                checks.RandomSearch(
                    defense,
                    model,
                    _outcomes,
                    (shown, samples) => DefendedImages.Of(defense!, _plan.Model, shown, DefendersDraws(samples))
                ) is
                { } missed
            )
                warnings.Add(missed);
        }

        return warnings;
    }

    // Some images first, so that nothing is timed that happens only once.
    private TAnswer Timed<TAnswer>(Tensor images, Func<Tensor, TAnswer> answer, out double milliseconds)
    {
        if (IsHere)
        {
            using Tensor few = images.slice(0, 0, Math.Min(Workers.Shared.Count, images.size(0)), 1);
            (answer(few) as IDisposable)?.Dispose();
        }

        var clock = Stopwatch.StartNew();
        TAnswer answers = answer(images);
        milliseconds = clock.Elapsed.TotalMilliseconds / images.size(0);
        return answers;
    }

    // The attack by whoever knows the defense, and by whoever knows its random seed too.
    private void Adapt(
        PlannedAttack attack,
        Goal goal,
        DefenseSpec defense,
        DefendedImages clean,
        bool[] right,
        Tensor images,
        long[] truth
    )
    {
        Run(Threat.WhiteBox, model => defense.KnownTo(model, _plan.Seed), $"{defense.Name}, adaptive");
        if (_plan.Revisited && defense.Purifier is { IsRandom: true })
            Run(
                Threat.WhiteBoxRevisited,
                model => defense.WithDraws(model, DefendersDraws(Rows.All(images.size(0)))),
                $"{defense.Name}, adaptive with its seed"
            );

        void Run(Threat threat, Func<IPredictor, IPredictor> defended, string where)
        {
            IPredictor model = defended(_plan.Model);
            if (!attack.Attack.Fits(model) && attack.Source is not null)
            {
                // Who sees too little of the model builds the defense around the substitute.
                model = defended(attack.Source);
                string note =
                    $"{attack.Name} by an attacker who knows {defense.Name} was crafted on the substitute behind "
                    + $"that defense: the model itself shows too little.";
                if (!_notes.Contains(note))
                    _notes.Add(note);
            }

            foreach (AttackResult result in Attack(attack, model, where, images, goal, truth, right, knows: true))
            {
                using DefendedImages shown = Defend(defense, result.Attempts);
                Add(attack, result, goal, defense, threat, right, shown, images, truth, clean);
            }
        }
    }

    private IReadOnlyList<AttackResult> Attack(
        PlannedAttack attack,
        IPredictor model,
        string where,
        Tensor images,
        Goal goal,
        long[] truth,
        bool[]? attacked,
        bool knows = false
    )
    {
        // What came trained learned to attack the bare classifier: an attacker who knows a defense learns to attack
        // that.
        using ITrainedAttack<IClassifier>? trained =
            attack.Attack is ITrainedAttack<IClassifier> learner && (knows || !learner.IsTrained)
                ? Train(attack, learner, model, where)
                : null;
        if (trained is null && attack.Attack is ITrainedAttack<IClassifier>)
            _notes.Add(
                $"{attack.Name} came trained and attacks {where} as it is; what its training took is not counted."
            );
        Report($"{attack.Name} on {where}");
        IAttack<IClassifier> ready = trained ?? attack.Attack;
        if (goal.IsTargeted)
            attacked =
            [
                .. goal.Labels.ToArray<long>().Select((target, i) => target != truth[i] && (attacked?[i] ?? true)),
            ];
        return AttackDispatch.Run(
            ready,
            model,
            new AttackRun(images, goal, _plan.Seed)
            {
                Epsilons = attack.Epsilons,
                Attacked = attacked,
                Limits = _plan.Limits,
                Cancellation = _cancellation,
            }
        );
    }

    // An attack learns anew for each model that it is run on, from images that it is not judged on.
    private ITrainedAttack<IClassifier> Train(
        PlannedAttack attack,
        ITrainedAttack<IClassifier> learner,
        IPredictor model,
        string where
    )
    {
        Report($"{attack.Name} learns to attack {where}");
        ImageSet known =
            _plan.TrainingImages
            ?? throw new UserErrorException(
                $"the attack {attack.Name} learns before it attacks: give the plan images to learn from, others "
                    + $"than those it attacks"
            );
        using var scope = NewDisposeScope();
        var (images, labels) = known.First(learner.TrainingImages);
        IReadOnlyList<double> epsilons = learner is IBudgetAttack<IClassifier> within
            ? attack.Epsilons ?? [within.Epsilon]
            : [];
        Goal goal = attack.GoalFor(model, images, labels, _plan.Seed);
        var run = new AttackRun(images, goal, _plan.Seed) { Epsilons = epsilons, Cancellation = _cancellation };
        var (trained, training) = AttackDispatch.Train(learner, model, run);
        if (training.Images > 0)
        {
            _notes.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{attack.Name} learned to attack {where} from {training.Images:N0} images of {known.Name} that "
                        + $"it is not judged on, with "
                        + $"{training.Queries:N0} queries and {training.Gradients:N0} gradients in "
                        + $"{training.Seconds:0.0} s. Its rows count only what it asks when it attacks."
                )
            );
        }

        return trained;
    }

    private static bool[] Reached(Goal goal, long[] predictions)
    {
        using Tensor predicted = tensor(predictions),
            reached = goal.IsReached(predicted);
        return reached.ToArray<bool>();
    }

    private DefendedImages Defend(DefenseSpec defense, Tensor images) =>
        DefendedImages.Of(defense, _plan.Model, images, DefendersDraws(Rows.All(images.size(0))));

    private SampleRandom DefendersDraws(long[] samples) => new SampleRandom(_plan.Seed, samples).Fork(DefenderStream);

    private static int? Refused(DefenseSpec? defense, DefendedImages? shown) =>
        defense?.Detectors.Count > 0 ? shown?.Refused.Count(refused => refused) : null;

    private void Add(
        PlannedAttack attack,
        AttackResult result,
        Goal goal,
        DefenseSpec? defense,
        Threat threat,
        bool[] cleanRight,
        DefendedImages? shown,
        Tensor clean,
        long[] truth,
        DefendedImages? cleanShown,
        long[]? barePredictions = null,
        int? rounded = null
    )
    {
        string name = defense?.Name ?? EvaluationRow.Nothing;
        long[] predictions = shown?.Predictions ?? barePredictions!;
        bool[] reached = [.. Reached(goal, predictions).Select((there, i) => there && !(shown?.Refused[i] ?? false))];
        bool[] attackable = goal.IsTargeted
            ?
            [
                .. goal
                    .Labels.ToArray<long>()
                    .Zip(truth, cleanRight)
                    .Select(row => row.Third && row.First != row.Second),
            ]
            : cleanRight;
        float[] distances = result.Norm.Of(result.Attempts.sub(clean)).ToArray<float>();

        // A minimizing attack counts within each budget that was asked for.
        IReadOnlyList<double?> budgets =
            result.Epsilon is null && attack.Epsilons is { } asked
                ? [.. asked.Select(e => (double?)e)]
                : [result.Epsilon];
        foreach (double? epsilon in budgets)
        {
            bool[] right =
            [
                .. reached.Select(
                    (there, i) =>
                        !there
                        || (cleanRight[i] && !attackable[i])
                        || (result.Epsilon is null && distances[i] > epsilon)
                ),
            ];
            var outcome = new Outcome(
                attack.Name,
                result.Norm,
                epsilon,
                name,
                threat,
                cleanRight,
                attackable,
                right,
                distances,
                result
            )
            {
                SurviveRounding = rounded,
                Refused = Refused(defense, shown),
                ByGradients = attack.FollowsGradients(threat),
            };
            _asMeasured.Add((outcome.ToRow(_plan), outcome.ByGradients));
            if (threat.IsAware())
                outcome = _outcomes
                    .Where(o => (o.Attack, o.Epsilon, o.Defense) == (attack.Name, epsilon, name) && o.Threat < threat)
                    .Aggregate(outcome, (best, lesser) => best.OrBetter(lesser));
            _outcomes.Add(outcome);
            _rows.Add(outcome.ToRow(_plan));
        }

        if (shown is not null && cleanShown is not null)
            AddRocs(attack, result, threat, shown, cleanShown);
        bool last = attack.Epsilons is null || result.Epsilon is null || result.Epsilon == attack.Epsilons.Max();
        if (last)
            _gallery.Add(Gallery.Row(attack.Name, result, name, threat, clean, shown, predictions, cleanRight, _plan));
    }

    private void AddRocs(
        PlannedAttack attack,
        AttackResult result,
        Threat threat,
        DefendedImages shown,
        DefendedImages clean
    )
    {
        foreach (var (before, after) in clean.Scores.Zip(shown.Scores))
        {
            float[] scores = [.. after.Values.Where((_, i) => result.Attacked[i])];
            if (scores.Length == 0)
                continue;
            _rocs.Add(
                new RocCurve
                {
                    Defense = after.Name,
                    Attack = attack.Name,
                    Norm = result.Norm.Name(),
                    Epsilon = result.Epsilon,
                    Threat = threat,
                    Auc = Roc.Area(before.Values, scores),
                    Points = Roc.Curve(before.Values, scores),
                }
            );
        }
    }

    private void AddClean(string defense, bool[] right, double milliseconds, int? refused = null)
    {
        var row = new EvaluationRow
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
            Refused = refused,
        };
        _rows.Add(row);
        _times.Add(new AnswerTime(defense, milliseconds, row.CleanAccuracy));
    }

    private void Report(string stage)
    {
        _cancellation.ThrowIfCancellationRequested();
        int aware = _plan.Defenses.Sum(defense => _plan.Revisited && defense.Purifier is { IsRandom: true } ? 2 : 1);
        int stages =
            (2 * _plan.Defenses.Count)
            + 1
            + _plan.Attacks.Sum(attack =>
                (attack.Attack is ITrainedAttack<IClassifier> ? 2 : 1) * (1 + aware) + _plan.Defenses.Count
            )
            + (_plan.KnownBreaks ? _plan.Defenses.Sum(defense => defense.Breaks.Count) : 0);
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
/// <param name="Times">How long the bare classifier and each defense take for an image.</param>
/// <param name="Notes">What attacks learned from before they attacked, and what that took.</param>
/// <param name="Warnings">Signs that an attack was weaker than it could be.</param>
public sealed record EvaluationFindings(
    IReadOnlyList<EvaluationRow> Rows,
    IReadOnlyList<RocCurve> Rocs,
    IReadOnlyList<GalleryRow> Gallery,
    IReadOnlyList<AnswerTime> Times,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string> Warnings
)
{
    /// <summary>
    /// Why a model behind an address failed on the way, so that the rest is missing; null where all was measured.
    /// </summary>
    public string? Failure { get; init; }
}
