using static TorchSharp.torch;

namespace Parry.Attacks.Steps;

/// <summary>
/// Adam on w, where the images (tanh(w) + 1)/2 are in the box by construction, with steps that are counted for each row: rows start afresh by themselves.
/// Images are shrunk by 1e-6 before the inverse of tanh, so that black and white pixels keep a gradient.
/// </summary>
internal sealed class TanhDescent
{
    private const double Shrink = 1 - 1e-6;
    private const double Beta1 = 0.9, Beta2 = 0.999, AdamEpsilon = 1e-8;

    private readonly Tensor _w, _tanh, _first, _second;
    private readonly int[] _ages;

    /// <summary>Starts at images [N, C, H, W].</summary>
    public TanhDescent(Tensor images)
    {
        _w = ToW(images);
        (_tanh, _first, _second, _ages) = (_w.tanh(), zeros_like(_w), zeros_like(_w), new int[images.size(0)]);
    }

    private TanhDescent(Tensor w, Tensor tanh, Tensor first, Tensor second, int[] ages) => (_w, _tanh, _first, _second, _ages) = (w, tanh, first, second, ages);

    /// <summary>The images where the descent is.</summary>
    public Tensor Images => _tanh.add(1.0).mul_(0.5);

    /// <summary>Steps of each row since it started.</summary>
    public IReadOnlyList<int> Ages => _ages;

    /// <summary>One step of Adam against the gradient of a loss with respect to the images.</summary>
    public void Step(Tensor gradient, double rate)
    {
        for (int i = 0; i < _ages.Length; i++) _ages[i]++;
        Tensor slope = _tanh.mul(_tanh).mul_(-0.5).add_(0.5).mul_(gradient);
        _first.mul_(Beta1).add_(slope, 1 - Beta1);
        _second.mul_(Beta2).addcmul_(slope, slope, 1 - Beta2);
        Tensor correction = Rows.Column(_ages.Select(age => Math.Sqrt(1 - Math.Pow(Beta2, age))));
        Tensor size = Rows.Column(_ages.Select(age => rate * Math.Sqrt(1 - Math.Pow(Beta2, age)) / (1 - Math.Pow(Beta1, age))));
        _w.addcdiv_(_first.mul(size), _second.sqrt().add_(correction.mul_(AdamEpsilon)), -1.0);
        _tanh.copy_(_w.tanh());
    }

    /// <summary>Lets rows start afresh at images.</summary>
    public void Restart(long[] rows, Tensor images)
    {
        if (rows.Length == 0) return;
        Tensor w = ToW(images), zero = zeros_like(w);
        _w.Put(rows, w);
        _tanh.Put(rows, w.tanh());
        _first.Put(rows, zero);
        _second.Put(rows, zero);
        foreach (long row in rows) _ages[row] = 0;
    }

    /// <summary>The descent of some rows.</summary>
    public TanhDescent Select(long[] rows) => new(_w.At(rows), _tanh.At(rows), _first.At(rows), _second.At(rows), _ages.At(rows));

    private static Tensor ToW(Tensor images) => InverseTanh.Of(images.mul(2.0).sub(1.0).mul_(Shrink));
}
