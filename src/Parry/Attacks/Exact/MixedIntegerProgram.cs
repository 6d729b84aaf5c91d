using System.Globalization;
using System.Text;

namespace Parry.Attacks.Exact;

/// <summary>
/// The smallest perturbation as a mixed-integer program, in the LP format that solvers read. A ReLU is a - s = z with a, s from 0 on of which a binary t
/// lets only one be positive: a ≤ u·t and s ≤ -l·(1 - t), u and l being its bounds; where its sign is known it needs no binary.
/// </summary>
internal sealed class MixedIntegerProgram
{
    private readonly Region _region;
    private readonly StringBuilder _rows = new(), _limits = new();
    private readonly List<string> _binaries = [];
    private int _count;

    private MixedIntegerProgram(Region region) => _region = region;

    /// <summary>Writes the program.</summary>
    /// <param name="layers">The network, with the goal's margins as the last layer's units.</param>
    /// <param name="bounds">Of its units, over the region.</param>
    /// <param name="region">Where the perturbed image is looked for.</param>
    /// <param name="everyMargin">Whether all margins must be positive, or just one.</param>
    public static string Write(IReadOnlyList<ReluNetwork.Affine> layers, Bounds bounds, Region region, bool everyMargin)
    {
        var program = new MixedIntegerProgram(region);
        program.AddPixels();
        string?[] below = [];
        for (int layer = 0; layer < layers.Count - 1; layer++) below = program.AddLayer(layer, layers[layer], bounds[layer], below);
        program.AddMargins(layers[^1], bounds[layers.Count - 1], below, everyMargin);
        string binaries = program._binaries.Count == 0 ? "" : $"Binaries\n{string.Join('\n', program._binaries)}\n";
        return $"Minimize\nobj: d\nSubject To\n{program._rows}Bounds\n{program._limits}{binaries}End\n";
    }

    /// <summary>The change of each pixel in a solution.</summary>
    public static double[] Read(IReadOnlyDictionary<string, double> values, int pixels) => [.. Enumerable.Range(0, pixels).Select(i =>
        values.GetValueOrDefault($"e{i}") + values.GetValueOrDefault($"p{i}") - values.GetValueOrDefault($"n{i}"))];

    // The change of each pixel, and d, the size of all of them.
    private void AddPixels()
    {
        int count = _region.Center.Length;
        Limit(0, "d", _region.Radius);
        if (_region.Norm == Norm.Linf)
        {
            for (int i = 0; i < count; i++)
            {
                Limit(-_region.Down(i), $"e{i}", _region.Up(i));
                Row($"e{i} - d <= 0");
                Row($"e{i} + d >= 0");
            }

            return;
        }

        var terms = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            Limit(0, $"p{i}", _region.Up(i));
            Limit(0, $"n{i}", _region.Down(i));
            terms.Append(CultureInfo.InvariantCulture, $"\n - p{i} - n{i}");
        }

        Row($"d{terms} = 0");
    }

    // Returns the names of the units' values, null for units that are always zero.
    private string?[] AddLayer(int layer, ReluNetwork.Affine map, (double[] Low, double[] High) bounds, string?[] below)
    {
        var names = new string?[map.Biases.Length];
        for (int i = 0; i < names.Length; i++)
        {
            var (low, high) = (bounds.Low[i], bounds.High[i]);
            if (high <= 0) continue;
            string a = names[i] = $"a{layer}_{i}";
            var (terms, constant) = Expression(map.Weights[i], map.Biases[i], below, -1);
            Limit(Math.Max(low, 0), a, high);
            if (low >= 0)
            {
                Row($"{a}{terms} = {Text(constant)}");
                continue;
            }

            string s = $"s{layer}_{i}", t = $"t{layer}_{i}";
            Limit(0, s, -low);
            Row($"{a} - {s}{terms} = {Text(constant)}");
            Row($"{a} - {Text(high)} {t} <= 0");
            Row($"{s} + {Text(-low)} {t} <= {Text(-low)}");
            _binaries.Add(t);
        }

        return names;
    }

    private void AddMargins(ReluNetwork.Affine margins, (double[] Low, double[] High) bounds, string?[] below, bool every)
    {
        int[] within = [.. Enumerable.Range(0, margins.Biases.Length).Where(i => every || bounds.High[i] >= 0)];
        foreach (int i in within)
        {
            var (terms, constant) = Expression(margins.Weights[i], margins.Biases[i], below, 1);
            if (every || within.Length == 1)
            {
                Row($"0 d{terms} >= {Text(-constant)}");
                continue;
            }

            // Chosen, the margin is positive; else only its bound stands.
            double low = Math.Min(bounds.Low[i], 0);
            Row($"{Text(low)} c{i}{terms} >= {Text(low - constant)}");
            _binaries.Add($"c{i}");
        }

        if (!every && within.Length > 1) Row($"{string.Join(" + ", within.Select(i => $"c{i}"))} >= 1");
    }

    // sign · (weights · a + bias), as terms and a constant.
    private (string Terms, double Constant) Expression(double[] weights, double bias, string?[] below, int sign)
    {
        var terms = new StringBuilder();
        double constant = bias;
        for (int i = 0; i < weights.Length; i++)
        {
            double w = weights[i];
            if (w == 0) continue;
            if (below.Length > 0)
            {
                if (below[i] is { } name) Term(sign * w, name);
                continue;
            }

            constant += w * _region.Center[i];
            if (_region.Norm == Norm.Linf)
            {
                Term(sign * w, $"e{i}");
                continue;
            }

            Term(sign * w, $"p{i}");
            Term(-sign * w, $"n{i}");
        }

        return (terms.ToString(), constant);

        void Term(double w, string name) => terms.Append(w < 0 ? "\n - " : "\n + ").Append(Text(Math.Abs(w))).Append(' ').Append(name);
    }

    private void Row(string row) => _rows.Append(CultureInfo.InvariantCulture, $"r{_count++}: {row}\n");

    private void Limit(double low, string name, double high) => _limits.Append($"{Text(low)} <= {name} <= {Text(high)}\n");

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
