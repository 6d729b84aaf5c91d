using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.DecisionBased;

/// <summary>
/// RayS (Chen and Gu, 2020, 2006.12792): looks for the smallest Linf perturbation with labels only, [N, C, H, W] to
/// the same, by a search over rays, each of which adds or subtracts the same amount at every value. It turns the signs
/// of the whole image, then of its halves, quarters and so on down to single values, block after block, and keeps
/// what reaches the goal nearer than before: one query says whether it does, and a binary search how near. There is no
/// randomness and no starting point; an image none of whose rays reaches the goal is returned clean. The defaults are
/// the authors': 10,000 queries, of which the last search may spend a few more, and a tolerance of 0.001 in L2. The
/// paper has no targets; one is searched for in the same way, as in the authors' code, but on larger images hardly a
/// ray leads to it.
/// </summary>
public sealed record RayS : IAttack<IPredictor>
{
    // Of the binary search, as the L2 length of the perturbation.
    private const double Tolerance = 1e-3;

    /// <inheritdoc/>
    public string Name => "rays";

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <summary>The queries after which an image is done.</summary>
    [Option("queries", "queries after which an image is done", Min = 1)]
    public int Queries { get; init; } = 10_000;

    /// <inheritdoc/>
    public Tensor Perturb(IPredictor model, Batch batch)
    {
        using var scope = NewDisposeScope();
        long values = batch.Images.numel() / batch.Count;
        double tolerance = Tolerance / Math.Sqrt(values);
        var labels = new LabelQueries(model, batch, Queries);
        Tensor signs = ones_like(batch.Images);
        double[] radii = [.. Enumerable.Repeat(double.PositiveInfinity, batch.Count)];
        foreach (var (from, to) in Blocks(values))
        {
            long[] rows = labels.Open;
            if (rows.Length == 0)
                break;
            using var inner = NewDisposeScope();
            Tensor turned = signs.clone();
            turned.flatten(1).slice(1, from, to, 1).neg_();
            Tensor Ray(long[] some, Tensor radius) => Along(batch.Images.At(some), turned.At(some), radius);

            // At a radius of 1 a ray is in a corner of the box.
            double[] known = [.. rows.Select(row => Math.Min(radii[row], 1))];
            long[] hits = Rows.Where(labels.Reach(rows, Ray(rows, Rows.Column(known))), true);
            long[] better = rows.At(hits);
            double[] found = labels.Meet(better, known.At(hits), new double[hits.Length], _ => tolerance, Ray);
            long[] nearer = Rows.Where([.. found.Zip(better, (radius, row) => radius < radii[row])], true);
            foreach (long i in nearer)
                radii[better[i]] = found[i];
            if (nearer.Length > 0)
                signs.Put(better.At(nearer), turned.At(better.At(nearer)));
        }

        Tensor reached = Rows.Column(radii.Select(radius => double.IsFinite(radius) ? radius : 0));
        return scope.MoveToOuter(Along(batch.Images, signs, reached));
    }

    private static Tensor Along(Tensor images, Tensor signs, Tensor radius) =>
        (images + (radius * signs)).clamp(0.0, 1.0);

    // The whole image, its halves, its quarters and so on; then single values, over and over.
    private static IEnumerable<(long From, long To)> Blocks(long values)
    {
        for (long count = 1; ; count = Math.Min(2 * count, values))
        {
            long size = (values + count - 1) / count;
            for (long from = 0; from < values; from += size)
                yield return (from, Math.Min(from + size, values));
        }
    }
}
