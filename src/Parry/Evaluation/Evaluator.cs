using Parry.Evaluation.Cells;
using Parry.Models.Http;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>
/// Crosses attacks with defenses. Every attack is run on the bare classifier; its images are then shown to each defense
/// (grey box: the attacker does not know it; black box where the images come from a substitute); and it is run again on
/// the defended classifier (white box: the attacker knows it, and for each image keeps the better of both: knowing more
/// never hurts). Attacks known to break a defense are run on it too. Verdicts use the defender's own random draws.
/// </summary>
public sealed class Evaluator
{
    private readonly EvaluationPlan _plan;
    private readonly PlannedCells _cells;
    private readonly CellStore _store;
    private readonly EvaluationLog _log = new();
    private readonly Summary _summary;

    /// <summary>Prepares an evaluation.</summary>
    /// <param name="plan">What is evaluated.</param>
    /// <param name="folder">Where its records are kept, and those of an earlier run are taken over; null to keep
    /// none.</param>
    public Evaluator(EvaluationPlan plan, RecordFolder? folder = null)
    {
        _plan = plan;
        _cells = new PlannedCells(plan);
        _store = new CellStore(folder, _cells.Ranges);
        _summary = new Summary(plan, _cells, _store, _log);
    }

    /// <summary>How many parts of the evaluation, one for each cell and range of images, were taken over from an
    /// earlier run.</summary>
    public int TakenOver => _store.TakenOver;

    /// <summary>Evaluates a plan.</summary>
    /// <param name="plan">What is evaluated.</param>
    /// <param name="progress">Told of each stage as it begins; null for nobody.</param>
    /// <param name="cancellation">Stops the evaluation at the next pass of the model.</param>
    /// <inheritdoc cref="Evaluate"/>
    public static EvaluationFindings Run(
        EvaluationPlan plan,
        IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default
    ) => new Evaluator(plan).Evaluate(progress, cancellation);

    /// <summary>Ends the evaluation after the range of images that it is at.</summary>
    public CancellationToken Pause { get; init; }

    /// <summary>The share of the images to measure; null for all.</summary>
    public Shard? Shard { get; init; }

    /// <summary>Whether only to collect what others measured.</summary>
    public bool OnlyCollects { get; init; }

    /// <summary>Whether only to have attacks learn, so that several processes need not.</summary>
    public bool OnlyPrepares { get; init; }

    /// <summary>What is still to be measured after <see cref="Evaluate"/>, such as "pgd, images 100 to 199".</summary>
    public IReadOnlyList<string> Missing { get; private set; } = [];

    /// <summary>Files in the folder of records that belong to no part of the plan.</summary>
    public IReadOnlyList<string> Foreign => _store.Foreign(_cells);

    /// <summary>Evaluates the plan. An attack that fails costs only its own rows.</summary>
    /// <param name="progress">Told of each stage as it begins; null for nobody.</param>
    /// <param name="cancellation">Stops the evaluation at the next pass of the model.</param>
    /// <returns>Rows, curves, pictures and warnings; the caller adds title, command and machine. If a model served over
    /// HTTP failed on the way, the findings up to then.</returns>
    /// <exception cref="UserErrorException">The parts of the plan do not fit together.</exception>
    /// <exception cref="EndpointException">A model served over HTTP failed before anything was found.</exception>
    /// <exception cref="OperationCanceledException">It was stopped; <see cref="SoFar"/> has what was found.</exception>
    public EvaluationFindings Evaluate(
        IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        foreach (PlannedAttack attack in _plan.Attacks)
            attack.CheckFits(_plan.Model);
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        try
        {
            var stages = new EvaluationStages(_plan, progress, cancellation, Pause);
            IReadOnlyList<ImageRange> ranges = Shard?.Of(_cells.Ranges) ?? _cells.Ranges;
            _store.TakeOver(_cells, ranges);
            var measurements = new Measurements(_plan, _cells, _store, stages, _log)
            {
                Ranges = OnlyCollects ? [] : ranges,
            };
            if (OnlyPrepares)
                measurements.Prepare();
            else
                measurements.Run();
            Missing = [.. measurements.Missing()];
            return _summary.Findings() ?? _summary.OfPart();
        }
        catch (EndpointException e) when (SoFar(e.Message) is { } found)
        {
            return found;
        }
    }

    /// <summary>
    /// What was found by now, also while <see cref="Evaluate"/> is at work on another thread; null if that is nothing.
    /// </summary>
    /// <param name="why">Why the evaluation ends here, for its notes.</param>
    public EvaluationFindings? SoFar(string why) => _summary.Findings(why);
}
