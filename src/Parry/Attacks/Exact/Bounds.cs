namespace Parry.Attacks.Exact;

/// <summary>
/// Bounds of every unit before its ReLU, over a region of images, by linear propagation: a unit's row of weights is
/// carried back through the layers below, each unstable ReLU replaced by a line below or above it, until it is a linear
/// function of the image.
/// </summary>
internal sealed class Bounds
{
    private readonly IReadOnlyList<ReluNetwork.Affine> _layers;
    private readonly Region _region;
    private readonly List<(double[] Low, double[] High)> _units = [];

    /// <summary>Bounds the units of all layers, the last one's too.</summary>
    public Bounds(IReadOnlyList<ReluNetwork.Affine> layers, Region region)
    {
        (_layers, _region) = (layers, region);
        foreach (ReluNetwork.Affine layer in layers)
        {
            double[] low = [.. layer.Weights.Select((row, i) => Lowest(row, layer.Biases[i]))];
            double[] high = [.. layer.Weights.Select((row, i) => -Lowest([.. row.Select(w => -w)], -layer.Biases[i]))];
            _units.Add((low, high));
        }
    }

    /// <summary>Least and largest values of the units of a layer, before its ReLU.</summary>
    public (double[] Low, double[] High) this[int layer] => _units[layer];

    // Of coefficients · a + constant, where a is what the layers that are bounded so far give.
    private double Lowest(double[] coefficients, double constant)
    {
        for (int layer = _units.Count - 1; layer >= 0; layer--)
        {
            var (low, high) = _units[layer];
            var below = new double[_layers[layer].Weights[0].Length];
            for (int i = 0; i < coefficients.Length; i++)
            {
                double c = coefficients[i];
                if (c == 0 || high[i] <= 0)
                    continue;
                double slope = 1;
                double offset = 0;
                if (low[i] < 0 && c > 0)
                    slope = high[i] > -low[i] ? 1 : 0;
                else if (low[i] < 0)
                    (slope, offset) = (high[i] / (high[i] - low[i]), -low[i] * high[i] / (high[i] - low[i]));
                constant += c * ((slope * _layers[layer].Biases[i]) + offset);
                double[] row = _layers[layer].Weights[i];
                for (int j = 0; j < row.Length; j++)
                    below[j] += c * slope * row[j];
            }

            coefficients = below;
        }

        return _region.Lowest(coefficients) + constant;
    }
}
