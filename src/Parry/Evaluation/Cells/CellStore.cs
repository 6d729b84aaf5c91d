namespace Parry.Evaluation.Cells;

/// <summary>
/// What was measured by now, in memory and, if there is one, in a folder; another thread may ask for it meanwhile.
/// </summary>
/// <param name="folder">The folder; null to keep nothing.</param>
/// <param name="ranges">All ranges of images.</param>
internal sealed class CellStore(RecordFolder? folder, IReadOnlyList<ImageRange> ranges)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(CellName, int), CellPart> _parts = [];
    private readonly Dictionary<(string, int), GradientCheck> _checks = [];
    private IReadOnlyDictionary<string, double> _times = new Dictionary<string, double>();

    /// <summary>How many parts were found in the folder.</summary>
    public int TakenOver { get; private set; }

    /// <summary>Takes over what the folder has of a plan.</summary>
    /// <param name="cells">The cells of the plan.</param>
    /// <param name="wanted">The ranges of which to take it over.</param>
    /// <exception cref="UserErrorException">A file was cut or edited.</exception>
    public void TakeOver(PlannedCells cells, IReadOnlyList<ImageRange> wanted)
    {
        if (folder is null)
            return;
        folder.Begin();
        foreach (ImageRange range in wanted)
        {
            foreach (CellName cell in cells.Names)
            {
                if (folder.ReadPart(cell, range) is { } part)
                    TakeOver(_parts, (cell, range.First), part);
            }

            foreach (Subject subject in cells.Subjects)
            {
                if (folder.ReadCheck(subject.Name, range) is { } check)
                    TakeOver(_checks, (subject.Name, range.First), check);
            }
        }

        _times = folder.ReadTimes() ?? _times;
    }

    /// <summary>Files in the folder that belong to no part of the plan.</summary>
    public IReadOnlyList<string> Foreign(PlannedCells cells) => folder?.Foreign(cells.Names, ranges) ?? [];

    /// <summary>Where what the attack of a cell learns is kept.</summary>
    public LearnedFile LearnedFile(CellName cell) => new(folder?.FileOfLearned(cell));

    /// <summary>What was measured of a cell on a range; null if that is still to be done.</summary>
    public CellPart? Part(CellName cell, ImageRange range)
    {
        lock (_lock)
            return _parts.GetValueOrDefault((cell, range.First));
    }

    /// <summary>Adds what was measured of a cell.</summary>
    public void Add(CellName cell, CellPart part)
    {
        folder?.Write(cell, part);
        lock (_lock)
            _parts[(cell, part.First)] = part;
    }

    /// <summary>What was measured of a cell on all ranges; null if some of it is missing.</summary>
    public IReadOnlyList<CellPart>? Whole(CellName cell)
    {
        lock (_lock)
        {
            CellPart[] parts =
            [
                .. ranges.Select(range => _parts.GetValueOrDefault((cell, range.First))).OfType<CellPart>(),
            ];
            return parts.Length == ranges.Count ? parts : null;
        }
    }

    /// <summary>What was measured of a classifier's gradients on a range; null if that is still to be done.</summary>
    public GradientCheck? Check(Subject subject, ImageRange range)
    {
        lock (_lock)
            return _checks.GetValueOrDefault((subject.Name, range.First));
    }

    /// <summary>Adds what was measured of a classifier's gradients.</summary>
    public void Add(Subject subject, GradientCheck check)
    {
        folder?.Write(subject.Name, check);
        lock (_lock)
            _checks[(subject.Name, check.First)] = check;
    }

    /// <summary>What was measured of a classifier's gradients by now.</summary>
    public IReadOnlyList<GradientCheck> Checks(Subject subject)
    {
        lock (_lock)
            return
            [
                .. ranges
                    .Select(range => _checks.GetValueOrDefault((subject.Name, range.First)))
                    .OfType<GradientCheck>(),
            ];
    }

    /// <summary>The time of an answer of each classifier, in milliseconds; empty before it was measured.</summary>
    public IReadOnlyDictionary<string, double> Times
    {
        get => _times;
        set
        {
            folder?.Write(value);
            _times = value;
        }
    }

    private void TakeOver<TKey, TPart>(Dictionary<TKey, TPart> known, TKey key, TPart part)
        where TKey : notnull
    {
        lock (_lock)
        {
            known[key] = part;
            TakenOver++;
        }
    }
}
