using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Catalogs;

namespace Parry.Cli.Attacking;

/// <summary>Counts one attack at one budget over the parts of an image set.</summary>
/// <param name="attack">The attack.</param>
/// <param name="seed">The seed that reproduces it.</param>
internal sealed class AttackTally(AttackSpec attack, long seed)
{
    private readonly List<double> _distances = [];
    private string _norm = "";
    private double? _epsilon;
    private int _count;
    private int _cleanCorrect;
    private int _robustCorrect;
    private int _succeeded;
    private int _survivors;
    private double _queries;
    private double _gradients;
    private double _seconds;

    /// <summary>Adds what the attack did to some images.</summary>
    /// <param name="result">What it did.</param>
    /// <param name="correct">Which of the clean images are classified correctly.</param>
    /// <param name="survivors">Which successes are still successes with 8 bits per value.</param>
    public void Add(AttackResult result, IReadOnlyList<bool> correct, IReadOnlyList<bool> survivors)
    {
        (_norm, _epsilon) = (result.Norm.Name(), result.Epsilon);
        _count += correct.Count;
        _cleanCorrect += correct.Count(right => right);
        _robustCorrect += correct.Zip(result.Succeeded).Count(row => row.First && !row.Second);
        _succeeded += result.Succeeded.Count(value => value);
        _survivors += survivors.Count(value => value);
        _queries += result.Queries.Sum();
        _gradients += result.Gradients.Sum();
        _seconds += result.Seconds;
        float[] sizes = result.Distances(result.Norm);
        _distances.AddRange(
            Enumerable
                .Range(0, sizes.Length)
                .Where(i => result.Attacked[i])
                .Select(i => result.Succeeded[i] ? sizes[i] : double.PositiveInfinity)
        );
    }

    /// <summary>How many images had no start; null if all had one or needed none.</summary>
    public string? Note => StartingPoint.Missing(attack.Attack, _distances.Count, _succeeded);

    /// <summary>The row of all images.</summary>
    public AttackRow Row()
    {
        int attacked = _distances.Count;
        double median = attacked == 0 ? double.PositiveInfinity : Median.Of([.. _distances]);
        return new AttackRow(
            attack.Text,
            _norm,
            _epsilon,
            _count,
            _cleanCorrect,
            _robustCorrect,
            attacked,
            _succeeded,
            _survivors,
            double.IsFinite(median) ? median : null,
            _queries / Math.Max(1, attacked),
            _gradients / Math.Max(1, attacked),
            _seconds,
            seed
        );
    }
}
