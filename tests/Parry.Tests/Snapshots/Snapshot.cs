using System.Globalization;
using System.Runtime.CompilerServices;

namespace Parry.Tests.Snapshots;

/// <summary>
/// Figures of today's behavior against those that are recorded in Recorded/NAME.txt, one figure a line: its group and
/// name, its values, its rule.
/// PARRY_UPDATE_SNAPSHOTS=1 records them anew instead.
/// </summary>
internal sealed class Snapshot(string name)
{
    private readonly List<Figure> _figures = [];

    /// <summary>The same values.</summary>
    public void Exact(string group, string figure, params double[] values) =>
        Add(group, figure, values, SnapshotRule.Exact);

    /// <summary>Each value within absolute + relative · |recorded|.</summary>
    public void Close(string group, string figure, double absolute, double relative, params double[] values) =>
        Add(group, figure, values, SnapshotRule.Close(absolute, relative));

    /// <summary>
    /// Adds a figure with any rule. Figures of one group with as many values as its verdicts are of the same images.
    /// </summary>
    public void Add(string group, string figure, IEnumerable<double> values, SnapshotRule rule) =>
        _figures.Add(new Figure(group, figure, [.. values.Select(Rounded)], rule.ToString(), rule));

    /// <summary>Adds an image's size and some of its values.</summary>
    public void AddImages(string group, IReadOnlyList<float[]> images, double absolute, double pixels)
    {
        for (int i = 0; i < images.Count; i++)
        {
            float[] values = images[i];
            Close(group, $"image {i} mean", absolute, 0, values.Average(value => (double)value));
            Close(
                group,
                $"image {i} norm",
                absolute * Math.Sqrt(values.Length),
                0,
                Math.Sqrt(values.Sum(value => (double)value * value))
            );
            Close(group, $"image {i} values", pixels, 0, Spread(values));
        }
    }

    /// <summary>Writes the record, or fails with all differences.</summary>
    public void Check()
    {
        string path = Path.Combine(Folder(), name + ".txt");
        if (Environment.GetEnvironmentVariable("PARRY_UPDATE_SNAPSHOTS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllLines(path, _figures.Select(figure => figure.ToString()));
            return;
        }

        Assert.True(File.Exists(path), $"{path} is missing; PARRY_UPDATE_SNAPSHOTS=1 records it.");
        Dictionary<string, Figure> recorded = File.ReadAllLines(path)
            .Select(Figure.Parse)
            .ToDictionary(figure => figure.Key);
        Dictionary<string, Figure> now = _figures.ToDictionary(figure => figure.Key);
        Dictionary<string, bool[]> forgiven = Forgiven(recorded, now);
        var differences = new List<string>();
        foreach (Figure figure in _figures)
        {
            if (!recorded.TryGetValue(figure.Key, out Figure? before))
            {
                differences.Add($"{figure.Key}\n  recorded nothing\n  now      {figure}");
            }
            else if (Differs(before, figure, forgiven.GetValueOrDefault(figure.Group)))
                differences.Add(
                    $"{figure.Key}\n  recorded {before.ValuesText}\n  now      {figure.ValuesText}\n"
                        + $"  rule     {Rules(before, figure)}"
                );
        }

        IEnumerable<Figure> gone = recorded.Values.Where(figure => !now.ContainsKey(figure.Key));
        differences.AddRange(gone.Select(figure => $"{figure.Key}\n  recorded {figure}\n  now      nothing"));
        Assert.True(
            differences.Count == 0,
            $"{differences.Count} of {_figures.Count} figures are not as recorded in {name}.txt; "
                + $"if that is meant, run the tests once with "
                + $"PARRY_UPDATE_SNAPSHOTS=1.\n{string.Join('\n', differences)}"
        );
    }

    /// <summary>At most 16 values, evenly spaced.</summary>
    public static double[] Spread(float[] values)
    {
        int count = Math.Min(16, values.Length);
        return [.. Enumerable.Range(0, count).Select(i => (double)values[((2 * i) + 1) * values.Length / (2 * count)])];
    }

    private static string Rules(Figure before, Figure now) =>
        before.RuleText == now.RuleText ? now.RuleText : $"was \"{before.RuleText}\", is \"{now.RuleText}\"";

    private static bool Differs(Figure before, Figure now, bool[]? forgiven)
    {
        if (before.RuleText != now.RuleText || before.Values.Length != now.Values.Length)
            return true;
        bool[] differ = now.Rule!.Differ(before.Values, now.Values);
        return differ.Where((differs, i) => differs && !(forgiven?.Length == differ.Length && forgiven[i])).Any();
    }

    // Where a verdict may change, the other figures of the image may, too: a failure gives the clean image.
    private static Dictionary<string, bool[]> Forgiven(
        Dictionary<string, Figure> recorded,
        Dictionary<string, Figure> now
    )
    {
        var forgiven = new Dictionary<string, bool[]>();
        foreach (Figure figure in now.Values)
        {
            if (figure.Rule is not VerdictRule rule || !recorded.TryGetValue(figure.Key, out Figure? before))
                continue;
            if (before.Values.Length != figure.Values.Length)
                continue;
            string margin = figure.With("margin");
            if (!recorded.TryGetValue(margin, out Figure? margins) || margins.Values.Length != figure.Values.Length)
            {
                continue;
            }
            bool[] near = rule.Forgive(margins.Values, now[margin].Values);
            bool[] differ = rule.Differ(before.Values, figure.Values);
            forgiven[figure.Group] = [.. near.Zip(differ, (a, b) => a && b)];
        }

        return forgiven;
    }

    private static double Rounded(double value) =>
        double.Parse(value.ToString("G7", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string Folder([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Recorded");

    /// <summary>One line: GROUP / NAME: VALUES | RULE.</summary>
    private sealed record Figure(string Group, string Name, double[] Values, string RuleText, SnapshotRule? Rule)
    {
        private const string AfterGroup = " / ";
        private const string AfterName = ": ";
        private const string AfterValues = " | ";

        public string Key => With(Name);

        public string ValuesText =>
            string.Join(' ', Values.Select(value => value.ToString(CultureInfo.InvariantCulture)));

        public string With(string name) => Group + AfterGroup + name;

        public override string ToString() => Key + AfterName + ValuesText + AfterValues + RuleText;

        public static Figure Parse(string line)
        {
            int group = line.IndexOf(AfterGroup, StringComparison.Ordinal);
            int rule = line.LastIndexOf(AfterValues, StringComparison.Ordinal);
            int name = line.LastIndexOf(AfterName, rule, StringComparison.Ordinal);
            double[] values =
            [
                .. line[(name + AfterName.Length)..rule]
                    .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    .Select(text => double.Parse(text, CultureInfo.InvariantCulture)),
            ];
            return new Figure(
                line[..group],
                line[(group + AfterGroup.Length)..name],
                values,
                line[(rule + AfterValues.Length)..],
                null
            );
        }
    }
}
