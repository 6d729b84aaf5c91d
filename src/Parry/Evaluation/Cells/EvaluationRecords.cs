using System.Globalization;
using Parry.Defenses;
using Parry.Runtime;

namespace Parry.Evaluation.Cells;

/// <summary>What an evaluation has found so far; another thread may ask for it meanwhile.</summary>
/// <param name="plan">The evaluation.</param>
internal sealed class EvaluationRecords(EvaluationPlan plan)
{
    private const double MostLost = 0.1;

    private readonly Lock _lock = new();
    private readonly List<EvaluationRow> _rows = [];
    private readonly List<RocCurve> _rocs = [];
    private readonly List<GalleryRow> _gallery = [];
    private readonly List<AnswerTime> _times = [];
    private readonly List<string> _notes = [];
    private readonly List<string> _failures = [];
    private readonly Dictionary<string, IReadOnlyList<string>> _notRun = [];
    private readonly Dictionary<string, IReadOnlyList<string>> _caveats = [];
    private readonly List<Outcome> _measured = [];
    private readonly List<Outcome> _outcomes = [];

    /// <summary>Whether nothing was measured yet.</summary>
    public bool IsEmpty => _rows.Count == 0;

    /// <summary>The outcome of every attack by itself.</summary>
    public IReadOnlyList<Outcome> Measured => _measured;

    /// <summary>
    /// The outcomes as rows count them: an attacker who knows a defense keeps, for each image, the best result of any
    /// attacker who knows less.
    /// </summary>
    public IReadOnlyList<Outcome> Outcomes => _outcomes;

    /// <summary>Adds a note, once.</summary>
    public void Note(string note)
    {
        lock (_lock)
        {
            if (!_notes.Contains(note))
                _notes.Add(note);
        }
    }

    /// <summary>Notes that an attack failed, so that its rows are missing.</summary>
    public void Failed(string attack, Subject subject, Exception cause)
    {
        string failure = $"{attack} failed on {subject.Title}: {TorchErrors.FirstLine(cause).TrimEnd('.')}";
        Note($"{failure}. Its rows are missing, so what the other attacks leave is an upper bound.");
        lock (_lock)
        {
            _failures.Add(failure);
            if (subject.Defense is not null)
                _caveats[subject.Name] =
                [
                    .. _caveats[subject.Name],
                    $"{attack} failed on it, so its numbers are upper bounds",
                ];
        }
    }

    /// <summary>Notes that the attacks known to break a defense were not run.</summary>
    public void KnownBreaksNotRun(DefenseSpec defense)
    {
        lock (_lock)
            _notRun[defense.Name] = [.. defense.Breaks.Select(known => known.Name)];
    }

    /// <summary>Adds a classifier's verdict on the clean images, and how long it took.</summary>
    public void AddClean(Subject subject)
    {
        int correct = subject.CleanCorrect.Count(right => right);
        var row = new EvaluationRow
        {
            Model = plan.ModelName,
            Data = plan.DataName,
            Attack = EvaluationRow.Nothing,
            Norm = null,
            Epsilon = null,
            Defense = subject.Name,
            Threat = Threat.None,
            Count = plan.Images.Count,
            CleanCorrect = correct,
            RobustCorrect = correct,
            Attacked = 0,
            Succeeded = 0,
            MedianDistance = null,
            Gradients = 0,
            Queries = 0,
            Seconds = 0,
            Seed = plan.Seed,
            Refused = subject.CountRefused(subject.Clean),
        };
        lock (_lock)
        {
            _rows.Add(row);
            if (subject.Defense is { } defense)
                _caveats[subject.Name] = [.. Caveats(defense, row)];
        }
    }

    /// <summary>Adds how long an answer takes.</summary>
    public void AddTime(Subject subject, double milliseconds)
    {
        double accuracy = subject.CleanCorrect.Count(right => right) / (double)plan.Images.Count;
        lock (_lock)
            _times.Add(new AnswerTime(subject.Name, milliseconds, accuracy));
    }

    /// <summary>Adds a classifier's verdict on an attack's images.</summary>
    /// <param name="measured">The attack's images and the verdict.</param>
    /// <param name="test">The clean images.</param>
    public void Add(CellResult measured, TestImages test)
    {
        IReadOnlyList<RocCurve> curves = [.. Roc.Curves(measured)];
        GalleryRow? pictures = measured.HasLargestBudget ? Gallery.Row(measured, test, plan) : null;
        lock (_lock)
        {
            foreach (Outcome outcome in measured.Outcomes(test))
            {
                _measured.Add(outcome);
                Outcome best = outcome.Threat.IsAware()
                    ? OfLesserAttackers(outcome).Aggregate(outcome, OrBetter)
                    : outcome;
                _outcomes.Add(best);
                _rows.Add(best.ToRow(plan));
            }

            _rocs.AddRange(curves);
            if (pictures is not null)
                _gallery.Add(pictures);
        }
    }

    /// <summary>Ends the evaluation.</summary>
    /// <param name="warnings">The warnings about attacks that may be too weak.</param>
    public EvaluationFindings Finish(IReadOnlyList<string> warnings) =>
        new([.. _rows, .. WorstCase.Rows(_measured, plan)], _rocs, _gallery, _times, _notes, warnings)
        {
            Failure = _failures.Count == 0 ? null : string.Join("; ", _failures),
            KnownBreaksNotRun = _notRun,
            Caveats = _caveats,
        };

    /// <summary>The findings of an evaluation that ends early.</summary>
    /// <param name="why">Why it does.</param>
    public EvaluationFindings BreakOff(string why)
    {
        string note = $"This evaluation stopped early and holds only the results found by then: {why}.";
        lock (_lock)
            return new([.. _rows], [.. _rocs], [.. _gallery], [.. _times], [note, .. _notes], [])
            {
                Failure = string.Join("; ", [.. _failures, why]),
                KnownBreaksNotRun = _notRun.ToDictionary(),
                Caveats = _caveats.ToDictionary(),
            };
    }

    private IEnumerable<string> Caveats(DefenseSpec defense, EvaluationRow clean)
    {
        if (defense.WeakerCopy is { } weaker)
            yield return $"the attacker's copy is cheaper than the defender's: {weaker}";
        int lost = _rows[0].CleanCorrect - clean.CleanCorrect;
        if (lost > MostLost * clean.Count)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"it costs {100.0 * lost / clean.Count:0} points of clean accuracy: "
                    + $"{_rows[0].CleanCorrect} of {clean.Count} images are right without it, {clean.CleanCorrect} "
                    + $"with it"
            );
    }

    private Outcome[] OfLesserAttackers(Outcome outcome) =>
        [
            .. _outcomes.Where(other =>
                (other.Attack, other.Epsilon, other.Defense) == (outcome.Attack, outcome.Epsilon, outcome.Defense)
                && other.Threat < outcome.Threat
            ),
        ];

    private static Outcome OrBetter(Outcome best, Outcome lesser) => best.OrBetter(lesser);
}
