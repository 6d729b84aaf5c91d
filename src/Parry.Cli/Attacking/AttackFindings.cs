using Parry.Catalogs;
using Parry.Models.Http;

namespace Parry.Cli.Attacking;

/// <summary>What attacks on an image set have found so far.</summary>
internal sealed class AttackFindings : RunFindings
{
    private readonly List<(AttackSpec Attack, AttackRow Row)> _rows = [];
    private readonly List<string> _notes = [];

    /// <inheritdoc/>
    public override bool IsEmpty => Rows.Count == 0;

    /// <summary>The rows of all attacks that finished.</summary>
    public IReadOnlyList<(AttackSpec Attack, AttackRow Row)> Rows
    {
        get
        {
            lock (Sync)
                return [.. _rows];
        }
    }

    /// <summary>The name of the image set.</summary>
    public string Data { get; set; } = "";

    /// <summary>How much a model served over HTTP was used; null for other models.</summary>
    public Func<EndpointUse?> Use { get; set; } = () => null;

    /// <summary>Adds the rows of an attack that finished.</summary>
    public void Add(AttackSpec attack, IEnumerable<AttackRow> rows)
    {
        lock (Sync)
            _rows.AddRange(rows.Select(row => (attack, row)));
    }

    /// <summary>Adds a note, if there is one, once.</summary>
    public void Note(string? note)
    {
        lock (Sync)
        {
            if (note is not null && !_notes.Contains(note))
                _notes.Add(note);
        }
    }

    /// <summary>The report of what was found.</summary>
    /// <param name="model">The model, as it was named.</param>
    public AttackReport Report(string model)
    {
        lock (Sync)
            return new(model, Data, [.. _rows.Select(row => row.Row)], [.. _notes], Use(), Failure);
    }
}
