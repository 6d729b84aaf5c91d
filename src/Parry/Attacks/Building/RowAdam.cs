using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Adam (Kingma and Ba, 2014, 1412.6980) for rows that belong to different samples: each row counts its own steps, so
/// that one can start afresh while the others go on, and rows can leave.
/// </summary>
public sealed class RowAdam
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double AdamEpsilon = 1e-8;

    private readonly Tensor _mean;
    private readonly Tensor _square;
    private readonly int[] _steps;

    /// <summary>Starts for variables [N, …].</summary>
    public RowAdam(Tensor variables)
        : this(zeros_like(variables), zeros_like(variables), new int[variables.size(0)]) { }

    private RowAdam(Tensor mean, Tensor square, int[] steps) => (_mean, _square, _steps) = (mean, square, steps);

    /// <summary>Steps of each row since it started.</summary>
    public IReadOnlyList<int> Steps => _steps;

    /// <summary>
    /// Takes a gradient of all rows, and gives the direction that is to be multiplied by the learning rate.
    /// </summary>
    public Tensor Direction(Tensor gradient)
    {
        var (mean, metric) = Moments(gradient);
        return mean / metric;
    }

    /// <summary>
    /// Takes a gradient of all rows, and gives the two whose quotient is the direction: the mean of the gradients, and
    /// the metric, the root of their mean square.
    /// </summary>
    internal (Tensor Mean, Tensor Metric) Moments(Tensor gradient)
    {
        for (int i = 0; i < _steps.Length; i++)
            _steps[i]++;
        _mean.mul_(Beta1).add_(gradient, 1 - Beta1);
        _square.mul_(Beta2).addcmul_(gradient, gradient, 1 - Beta2);
        Tensor mean = _mean / Rest(Beta1);
        Tensor square = _square / Rest(Beta2);
        return (mean, square.sqrt() + AdamEpsilon);
    }

    /// <summary>Lets rows start afresh.</summary>
    public void Restart(long[] rows)
    {
        if (rows.Length == 0)
            return;
        using var scope = NewDisposeScope();
        Tensor nothing = zeros_like(_mean.At(rows));
        _mean.Put(rows, nothing);
        _square.Put(rows, nothing);
        foreach (long row in rows)
            _steps[row] = 0;
    }

    /// <summary>The optimizer of some rows.</summary>
    public RowAdam Select(long[] rows) => new(_mean.At(rows), _square.At(rows), _steps.At(rows));

    // 1 - βᵗ of each row.
    private Tensor Rest(double beta)
    {
        long[] shape = [_steps.Length, .. Enumerable.Repeat(1L, (int)_mean.dim() - 1)];
        return Rows.Column(_steps.Select(step => 1 - Math.Pow(beta, step))).reshape(shape);
    }
}
