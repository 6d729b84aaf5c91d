using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>Adam in <see cref="TanhSpace"/>, for each row by itself.</summary>
public sealed class TanhDescent
{
    private readonly Tensor _w;
    private readonly RowAdam _adam;

    /// <summary>Starts at images [N, C, H, W].</summary>
    public TanhDescent(Tensor images)
    {
        _w = TanhSpace.FromImages(images);
        _adam = new RowAdam(_w);
    }

    private TanhDescent(Tensor w, RowAdam adam) => (_w, _adam) = (w, adam);

    /// <summary>The images where the descent is.</summary>
    public Tensor Images => TanhSpace.ToImages(_w);

    /// <summary>Steps of each row since it started.</summary>
    public IReadOnlyList<int> Steps => _adam.Steps;

    /// <summary>One step against the gradient of a loss with respect to <see cref="Images"/>.</summary>
    public void Step(Tensor gradient, double rate)
    {
        Tensor tanh = _w.tanh();
        Tensor slope = gradient * (1 - (tanh * tanh)) / 2;
        _w.sub_(rate * _adam.Direction(slope));
    }

    /// <summary>Lets rows start afresh at images.</summary>
    public void Restart(long[] rows, Tensor images)
    {
        if (rows.Length == 0)
            return;
        _w.Put(rows, TanhSpace.FromImages(images));
        _adam.Restart(rows);
    }

    /// <summary>The descent of some rows.</summary>
    public TanhDescent Select(long[] rows) => new(_w.At(rows), _adam.Select(rows));
}
