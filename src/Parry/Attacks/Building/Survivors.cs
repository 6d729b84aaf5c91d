using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// The rows that no run so far has fooled the model on: restarts, target classes, larger budgets or other attacks. Each
/// run starts from the clean images and sees only these rows; what it fools leaves.
/// </summary>
public sealed class Survivors(Batch batch)
{
    private readonly bool[] _reached = new bool[batch.Count];

    /// <summary>One run.</summary>
    /// <param name="batch">The rows that remain.</param>
    /// <param name="rows">Their positions in the whole batch.</param>
    /// <returns>Images for these rows, and which of them reach the goal.</returns>
    public delegate (Tensor Images, bool[] Reached) Run(Batch batch, long[] rows);

    /// <summary>Per row what reached the goal, or else the last attempt.</summary>
    public Tensor Images { get; } = batch.Images.clone();

    /// <summary>Which rows reached the goal.</summary>
    public bool[] Reached => [.. _reached];

    /// <summary>Runs on what remains, if anything does.</summary>
    public void Attack(Run run)
    {
        long[] rows = Rows.Where(_reached, false);
        if (rows.Length == 0)
            return;
        using var scope = NewDisposeScope();
        var (images, reached) = run(rows.Length == batch.Count ? batch : batch.Select(rows), rows);
        Images.Put(rows, images);
        foreach (long row in rows.At(Rows.Where(reached, true)))
            _reached[row] = true;
    }

    /// <summary>Runs with several budgets in ascending order: larger ones take over what smaller ones found.</summary>
    /// <returns>Images for each budget, in the order of the budgets.</returns>
    public static Tensor[] Ascending(
        Batch batch,
        IReadOnlyList<double> epsilons,
        Func<Batch, double, (Tensor Images, bool[] Reached)> run
    )
    {
        var survivors = new Survivors(batch);
        var results = new Tensor[epsilons.Count];
        foreach (int budget in Enumerable.Range(0, epsilons.Count).OrderBy(i => epsilons[i]))
        {
            survivors.Attack((rows, _) => run(rows, epsilons[budget]));
            results[budget] = survivors.Images.clone();
        }

        return results;
    }
}
