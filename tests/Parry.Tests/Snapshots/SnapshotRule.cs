using System.Globalization;

namespace Parry.Tests.Snapshots;

/// <summary>
/// How far a figure may be from the recorded one. All rules of the snapshots are here; each stands in the recorded file
/// beside its figure.
/// </summary>
internal abstract record SnapshotRule
{
    /// <summary>The same values.</summary>
    public static SnapshotRule Exact { get; } = new ExactRule();

    /// <summary>Kept for the reader, and never compared.</summary>
    public static SnapshotRule Noted { get; } = new NotedRule();

    /// <summary>Each value within absolute + relative · |recorded|.</summary>
    public static SnapshotRule Close(double absolute, double relative) => new CloseRule(absolute, relative);

    /// <summary>
    /// 1 or 0 for each image: the same, unless the figure "margin" of the same group is within the bound of 0 both as
    /// recorded and now.
    /// </summary>
    public static SnapshotRule Verdict(double bound) => new VerdictRule(bound);

    /// <summary>The mean over the images within absolute + relative · |recorded mean|.</summary>
    public static SnapshotRule Mean(double absolute, double relative) => new MeanRule(absolute, relative);

    /// <summary>The median over the images that are not 0 within a share of the recorded median.</summary>
    public static SnapshotRule Median(double relative) => new MedianRule(relative);

    /// <summary>As the recorded file shows it.</summary>
    public sealed override string ToString() => Text;

    /// <summary>As the recorded file shows it.</summary>
    protected abstract string Text { get; }

    /// <summary>
    /// Which values differ by more than the rule allows; a rule on all values together gives all or none.
    /// </summary>
    /// <param name="recorded">The recorded values.</param>
    /// <param name="now">As many present values.</param>
    public abstract bool[] Differ(double[] recorded, double[] now);

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static bool IsClose(double recorded, double now, double absolute, double relative) =>
        recorded.Equals(now) || Math.Abs(recorded - now) <= absolute + (relative * Math.Abs(recorded));

    private static bool[] All(double[] values, bool differ)
    {
        var all = new bool[values.Length];
        Array.Fill(all, differ);
        return all;
    }

    private sealed record ExactRule : SnapshotRule
    {
        protected override string Text => "exact";

        public override bool[] Differ(double[] recorded, double[] now) =>
            [.. recorded.Zip(now, (a, b) => !a.Equals(b))];
    }

    private sealed record NotedRule : SnapshotRule
    {
        protected override string Text => "noted only";

        public override bool[] Differ(double[] recorded, double[] now) => All(recorded, false);
    }

    private sealed record CloseRule(double Absolute, double Relative) : SnapshotRule
    {
        protected override string Text => Format($"within {Absolute} + {Relative} of it");

        public override bool[] Differ(double[] recorded, double[] now) =>
            [.. recorded.Zip(now, (a, b) => !IsClose(a, b, Absolute, Relative))];
    }

    private sealed record MeanRule(double Absolute, double Relative) : SnapshotRule
    {
        protected override string Text => Format($"mean within {Absolute} + {Relative} of it");

        public override bool[] Differ(double[] recorded, double[] now) =>
            All(recorded, !IsClose(recorded.Average(), now.Average(), Absolute, Relative));
    }

    private sealed record MedianRule(double Relative) : SnapshotRule
    {
        protected override string Text => Format($"median of those above 0 within {Relative} of it");

        public override bool[] Differ(double[] recorded, double[] now)
        {
            // Where nothing succeeded there is no distance; that there were successes is the verdicts' business.
            double? before = Middle(recorded);
            double? after = Middle(now);
            return All(
                recorded,
                before is not null && after is not null && !IsClose(before.Value, after.Value, 0, Relative)
            );
        }

        private static double? Middle(double[] values)
        {
            double[] above = [.. values.Where(value => value != 0).Order()];
            return above.Length == 0 ? null : (above[(above.Length - 1) / 2] + above[above.Length / 2]) / 2;
        }
    }
}

/// <summary>The same verdicts, unless they were near to the decision boundary.</summary>
/// <param name="Bound">How near, in logits.</param>
internal sealed record VerdictRule(double Bound) : SnapshotRule
{
    protected override string Text =>
        string.Create(CultureInfo.InvariantCulture, $"equal, but for margins within {Bound} of 0");

    public override bool[] Differ(double[] recorded, double[] now) => [.. recorded.Zip(now, (a, b) => !a.Equals(b))];

    /// <summary>Which differences are forgiven.</summary>
    public bool[] Forgive(double[] recordedMargins, double[] margins) =>
        [.. recordedMargins.Zip(margins, (a, b) => Math.Abs(a) <= Bound && Math.Abs(b) <= Bound)];
}
