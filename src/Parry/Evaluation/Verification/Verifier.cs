using Parry.Attacks;
using Parry.Data;
using Parry.Defenses;
using Parry.Evaluation.Cells;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Verification;

/// <summary>
/// Checks adversarial images that any tool made against a classifier, bare or behind a defense: that their values are
/// in [0, 1], that they are within the budget, that they are misclassified (and accepted by the detectors), and that
/// they still are after rounding to 8 bits.
/// </summary>
public sealed class Verifier
{
    private const int ImagesAtOnce = 100;
    private const double Tolerance = 1e-6;

    /// <summary>The model.</summary>
    public required IPredictor Model { get; init; }

    /// <summary>The defense; null for the bare model.</summary>
    public DefenseSpec? Defense { get; init; }

    /// <summary>The set of the originals.</summary>
    public required ImageSet Originals { get; init; }

    /// <summary>The norm of the budget.</summary>
    public Norm Norm { get; init; } = Norm.Linf;

    /// <summary>The budget; null for none.</summary>
    public double? Epsilon { get; init; }

    /// <summary>The seed of the draws of a random defense.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>How a random defense is judged.</summary>
    public DrawRule DrawRule { get; init; } = DrawRule.Mean;

    /// <summary>Checks images.</summary>
    /// <param name="images">The images.</param>
    /// <param name="progress">Receives the finished share.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>A record for each image, in their order.</returns>
    /// <exception cref="UserErrorException">A file cannot be read or has another size than the model takes.</exception>
    public IReadOnlyList<VerifiedImage> Check(
        IReadOnlyList<HandedInImage> images,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        int[] used = [.. images.Select(image => image.Original).Distinct().Order()];
        ImageSet originals = Originals.Select(used);
        Dictionary<int, int> rows = used.Index().ToDictionary(one => one.Item, one => one.Index);
        RangeImages clean = RangeImages.Of(originals);
        var subject = new Subject(PlanOf(originals), Defense);
        bool[] cleanCorrect = Measurements.Clean(subject, clean).CleanCorrect;
        var found = new List<VerifiedImage>();
        foreach (HandedInImage[] piece in images.Chunk(ImagesAtOnce))
        {
            cancellation.ThrowIfCancellationRequested();
            int[] rowsOfPiece = [.. piece.Select(image => rows[image.Original])];
            found.AddRange(Check(piece, rowsOfPiece, clean, cleanCorrect, subject));
            progress?.Report((double)found.Count / images.Count);
        }

        return found;
    }

    private VerifiedImage[] Check(
        HandedInImage[] piece,
        int[] rows,
        RangeImages clean,
        bool[] cleanCorrect,
        Subject subject
    )
    {
        using var scope = NewDisposeScope();
        ImageShape shape = Originals.Shape;
        HandedInValues[] read = Array.ConvertAll(piece, image => image.Read());
        float[] values = [.. read.SelectMany(image => image.Values)];
        Tensor pixels = tensor(values, [piece.Length, shape.Channels, shape.Height, shape.Width]);
        Tensor change = pixels - clean.Pixels.index_select(0, tensor(rows));

        // Tools divide bytes by 255 or multiply them by 1/255, which differs in the last bit.
        Distances[] changes = Measure(change.masked_fill(change.abs() < Tolerance, 0));

        // The model is asked about values in [0, 1] only; an image outside does not count, whatever the answer.
        var inside = new Images(pixels.nan_to_num().clamp(0, 1), Array.ConvertAll(rows, row => (long)row));
        using Verdict verdict = subject.Judge(inside);
        using Verdict rounded = subject.Judge(inside.With(Rounding.ToBytes(inside.Pixels)));
        long[] truth = Array.ConvertAll(rows, row => clean.Truth[row]);
        bool[] holds = verdict.Holds(truth);
        bool[] holdsRounded = rounded.Holds(truth);
        var found = new VerifiedImage[piece.Length];
        for (int i = 0; i < piece.Length; i++)
        {
            Span<float> image = values.AsSpan(i * shape.Pixels, shape.Pixels);
            found[i] = new VerifiedImage(
                piece[i].Name,
                piece[i].Original,
                truth[i],
                cleanCorrect[rows[i]],
                verdict.Predictions[i],
                verdict.Refused[i],
                changes[i],
                InBox: image.IndexOfAnyExceptInRange(0f, 1f) < 0,
                Compare(changes[i].In(Norm), read[i].Level),
                Fools: !holds[i],
                FoolsRounded: !holdsRounded[i]
            );
        }

        return found;
    }

    private static Distances[] Measure(Tensor change)
    {
        Tensor exact = change.to(ScalarType.Float64);
        double[] linf = Norm.Linf.Of(exact).ToArray<double>();
        double[] l2 = Norm.L2.Of(exact).ToArray<double>();
        double[] l1 = Norm.L1.Of(exact).ToArray<double>();
        float[] l0 = Norm.L0.Of(exact).ToArray<float>();
        return [.. linf.Select((largest, i) => new Distances(largest, l2[i], l1[i], l0[i]))];
    }

    private BudgetCheck Compare(double distance, double level)
    {
        if (Epsilon is not { } budget)
            return BudgetCheck.Within;
        double most = budget + BudgetTolerance.Of(Norm, budget, Originals.Shape.Pixels);
        return distance <= most ? BudgetCheck.Within
            : Norm == Norm.Linf && distance <= most + (level / 2) ? BudgetCheck.OverByRounding
            : BudgetCheck.Over;
    }

    private EvaluationPlan PlanOf(ImageSet originals) =>
        new()
        {
            ModelName = "",
            Model = Model,
            Images = originals,
            DataName = originals.Name,
            Attacks = [],
            Defenses = Defense is null ? [] : [Defense],
            Seed = Seed,
            DrawRule = DrawRule,
        };
}
