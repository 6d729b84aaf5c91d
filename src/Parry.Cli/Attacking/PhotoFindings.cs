using Parry.Reports;

namespace Parry.Cli.Attacking;

/// <summary>What attacks on single photos have found so far.</summary>
internal sealed class PhotoFindings : RunFindings
{
    private IReadOnlyList<AttackedPhoto> _photos = [];
    private string? _note;

    /// <inheritdoc/>
    public override bool IsEmpty
    {
        get
        {
            lock (Sync)
                return _photos.All(photo => photo.Attacks.Count == 0);
        }
    }

    /// <summary>Begins with photos that were not attacked yet.</summary>
    /// <param name="photos">The photos with their predictions.</param>
    /// <param name="note">How they were fitted to the model; null if they were not.</param>
    public void Begin(IReadOnlyList<AttackedPhoto> photos, string? note)
    {
        lock (Sync)
            (_photos, _note) = (photos, note);
    }

    /// <summary>Adds what an attack at one budget did to each photo.</summary>
    public void Add(IReadOnlyList<PhotoAttack> rows)
    {
        lock (Sync)
            _photos = [.. _photos.Zip(rows, (photo, row) => photo with { Attacks = [.. photo.Attacks, row] })];
    }

    /// <summary>The report of what was found.</summary>
    /// <param name="model">The model, as it was named.</param>
    public PhotoReport Report(string model)
    {
        lock (Sync)
        {
            var changed = _photos[0].Attacks.Select((row, k) => Changed(row, [.. _photos.Select(p => p.Attacks[k])]));
            return new PhotoReport(model, _photos, [.. changed]) { Note = _note };
        }
    }

    private static ChangedAnswers Changed(PhotoAttack attack, PhotoAttack[] photos) =>
        new(
            attack.Attack,
            attack.Norm,
            attack.Epsilon,
            photos.Count(photo => photo.Changed),
            photos.Count(photo => photo.Attacked)
        );
}
