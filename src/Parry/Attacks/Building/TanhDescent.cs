using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Adam (Kingma and Ba, 2014, 1412.6980) in <see cref="TanhSpace"/>. Each row counts its own steps, so that one can
/// start afresh while the others go on.
/// </summary>
public sealed class TanhDescent
{
    private const double Beta1 = 0.9,
        Beta2 = 0.999,
        AdamEpsilon = 1e-8;

    private readonly Tensor _w,
        _mean,
        _square;
    private readonly int[] _steps;

    /// <summary>Starts at images [N, C, H, W].</summary>
    public TanhDescent(Tensor images)
    {
        _w = TanhSpace.FromImages(images);
        (_mean, _square, _steps) = (zeros_like(_w), zeros_like(_w), new int[images.size(0)]);
    }

    private TanhDescent(Tensor w, Tensor mean, Tensor square, int[] steps) =>
        (_w, _mean, _square, _steps) = (w, mean, square, steps);

    /// <summary>The images where the descent is.</summary>
    public Tensor Images => TanhSpace.ToImages(_w);

    /// <summary>Steps of each row since it started.</summary>
    public IReadOnlyList<int> Steps => _steps;

    /// <summary>One step against the gradient of a loss with respect to <see cref="Images"/>.</summary>
    public void Step(Tensor gradient, double rate)
    {
        for (int i = 0; i < _steps.Length; i++)
            _steps[i]++;
        Tensor tanh = _w.tanh();
        Tensor slope = gradient * (1 - (tanh * tanh)) / 2;
        _mean.mul_(Beta1).add_(slope, 1 - Beta1);
        _square.mul_(Beta2).addcmul_(slope, slope, 1 - Beta2);

        Tensor mean = _mean / Rows.Column(_steps.Select(step => 1 - Math.Pow(Beta1, step)));
        Tensor square = _square / Rows.Column(_steps.Select(step => 1 - Math.Pow(Beta2, step)));
        _w.sub_(rate * mean / (square.sqrt() + AdamEpsilon));
    }

    /// <summary>Lets rows start afresh at images.</summary>
    public void Restart(long[] rows, Tensor images)
    {
        if (rows.Length == 0)
            return;
        Tensor w = TanhSpace.FromImages(images);
        _w.Put(rows, w);
        _mean.Put(rows, zeros_like(w));
        _square.Put(rows, zeros_like(w));
        foreach (long row in rows)
            _steps[row] = 0;
    }

    /// <summary>The descent of some rows.</summary>
    public TanhDescent Select(long[] rows) => new(_w.At(rows), _mean.At(rows), _square.At(rows), _steps.At(rows));
}
