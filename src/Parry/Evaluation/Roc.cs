using Parry.Attacks;
using Parry.Evaluation.Cells;

namespace Parry.Evaluation;

/// <summary>How well a score separates adversarial images from clean ones.</summary>
public static class Roc
{
    private const int MostPoints = 200;

    /// <summary>
    /// The area under the curve: the probability that an adversarial image scores above a clean one, ties counting half
    /// (Mann and Whitney).
    /// </summary>
    public static double Area(IReadOnlyList<float> clean, IReadOnlyList<float> adversarial)
    {
        if (clean.Count == 0 || adversarial.Count == 0)
            throw new ArgumentException(
                $"A curve needs scores of both kinds; there are {clean.Count} clean and {adversarial.Count} "
                    + "adversarial ones."
            );
        float[] sorted = [.. clean.Order()];
        double sum = 0;
        foreach (float score in adversarial)
            sum += (Below(sorted, score, orEqual: false) + Below(sorted, score, orEqual: true)) / 2.0;
        return sum / ((double)clean.Count * adversarial.Count);
    }

    /// <summary>
    /// False- against true-positive rate at every threshold, from (0, 0) to (1, 1), thinned to at most 200 points.
    /// </summary>
    public static IReadOnlyList<RocPoint> Curve(IReadOnlyList<float> clean, IReadOnlyList<float> adversarial)
    {
        float[] cleanDown = [.. clean.OrderDescending()];
        float[] adversarialDown = [.. adversarial.OrderDescending()];
        var points = new List<RocPoint> { new(0, 0) };
        int c = 0;
        int a = 0;
        foreach (float threshold in clean.Concat(adversarial).Distinct().OrderDescending())
        {
            while (c < cleanDown.Length && cleanDown[c] >= threshold)
                c++;
            while (a < adversarialDown.Length && adversarialDown[a] >= threshold)
                a++;
            points.Add(new RocPoint((double)c / clean.Count, (double)a / adversarial.Count));
        }

        double step = Math.Max(1, (points.Count - 1.0) / (MostPoints - 1));
        return points.Count <= MostPoints
            ? points
            : [.. Enumerable.Range(0, MostPoints).Select(i => points[(int)Math.Round(i * step)])];
    }

    /// <summary>The curves of a defense's scores, one for each, over the images that were attacked.</summary>
    /// <param name="cell">The attack and the defense.</param>
    /// <param name="clean">What was measured on the clean images.</param>
    /// <param name="attacked">What was measured on the attacked ones.</param>
    /// <param name="budget">The number of the attack's budget.</param>
    internal static IEnumerable<RocCurve> Curves(
        Cell cell,
        IReadOnlyList<CellPart> clean,
        IReadOnlyList<CellPart> attacked,
        int budget
    )
    {
        SampleResult[] before = [.. clean.SelectMany(part => part.Samples).Select(sample => sample.Results[0])];
        SampleResult[] after =
        [
            .. attacked
                .SelectMany(part => part.Samples)
                .Select(sample => sample.Results[budget])
                .Where(result => result.Attacked),
        ];
        if (after.Length == 0)
            return [];
        return attacked[0].Detectors.Select((detector, i) => Curve(detector, Scores(before, i), Scores(after, i)));

        RocCurve Curve(string detector, float[] negative, float[] positive) =>
            new()
            {
                Defense = detector,
                Attack = cell.Attack.Name,
                Norm = cell.Attack.Attack.Norm.Name(),
                Epsilon = attacked[0].Epsilons[budget],
                Threat = cell.Threat,
                Auc = Area(negative, positive),
                Points = Roc.Curve(negative, positive),
            };

        static float[] Scores(SampleResult[] results, int detector) =>
            [.. results.Select(result => result.Scores[detector])];
    }

    // How many of the sorted scores are below a value, or not above it.
    private static int Below(float[] sorted, float value, bool orEqual)
    {
        int low = 0;
        int high = sorted.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (sorted[middle] < value || (orEqual && sorted[middle] == value))
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
