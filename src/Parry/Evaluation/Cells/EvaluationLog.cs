using Parry.Defenses;
using Parry.Runtime;

namespace Parry.Evaluation.Cells;

/// <summary>What an evaluation has to say beside its records; another thread may ask for it meanwhile.</summary>
internal sealed class EvaluationLog
{
    private readonly Lock _lock = new();
    private readonly List<string> _notes = [];
    private readonly List<(string Defense, string Attack, string Failure)> _failures = [];
    private readonly Dictionary<string, IReadOnlyList<string>> _notRun = [];

    /// <summary>What the reader must know.</summary>
    public IReadOnlyList<string> Notes => Copy(_notes);

    /// <summary>Which attacks failed on which defense, and how.</summary>
    public IReadOnlyList<(string Defense, string Attack, string Failure)> Failures => Copy(_failures);

    /// <summary>For each defense whose known breaks were not run, their names.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> KnownBreaksNotRun
    {
        get
        {
            lock (_lock)
                return _notRun.ToDictionary();
        }
    }

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
        bool isBreak = subject.Defense?.Breaks.Any(known => known.Name == attack) ?? false;
        lock (_lock)
        {
            _failures.Add((subject.Name, attack, failure));
            if (isBreak)
                _notRun[subject.Name] = [.. _notRun.GetValueOrDefault(subject.Name, []), attack];
        }
    }

    /// <summary>Notes that the attacks known to break a defense were not run.</summary>
    public void BreaksNotRun(DefenseSpec defense, string why)
    {
        string[] names = [.. defense.Breaks.Select(known => known.Name)];
        lock (_lock)
            _notRun[defense.Name] = names;
        Note(
            $"The attacks known to break {defense.Name} were not run{why}: {string.Join(", ", names)}. Its numbers "
                + "are upper bounds."
        );
    }

    private T[] Copy<T>(List<T> list)
    {
        lock (_lock)
            return [.. list];
    }
}
