using Parry.Torch;

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
        (_tanh, _first, _second, _ages) = (_w.Tanh(), _w.ZerosLike(), _w.ZerosLike(), new int[images.Size(0)]);
    }

    private TanhDescent(Tensor w, Tensor tanh, Tensor first, Tensor second, int[] ages) => (_w, _tanh, _first, _second, _ages) = (w, tanh, first, second, ages);

    /// <summary>The images where the descent is.</summary>
    public Tensor Images => _tanh.Add(1).MulInPlace(0.5);

    /// <summary>Steps of each row since it started.</summary>
    public IReadOnlyList<int> Ages => _ages;

    /// <summary>One step of Adam against the gradient of a loss with respect to the images.</summary>
    public void Step(Tensor gradient, double rate)
    {
        for (int i = 0; i < _ages.Length; i++) _ages[i]++;
        Tensor slope = _tanh.Mul(_tanh).MulInPlace(-0.5).AddInPlace(0.5).MulInPlace(gradient);
        _first.MulInPlace(Beta1).AddInPlace(slope, 1 - Beta1);
        _second.MulInPlace(Beta2).AddProductInPlace(slope, slope, 1 - Beta2);
        Tensor correction = Rows.Column(_ages.Select(age => Math.Sqrt(1 - Math.Pow(Beta2, age))));
        Tensor size = Rows.Column(_ages.Select(age => rate * Math.Sqrt(1 - Math.Pow(Beta2, age)) / (1 - Math.Pow(Beta1, age))));
        _w.AddQuotientInPlace(_first.Mul(size), _second.Sqrt().AddInPlace(correction.MulInPlace(AdamEpsilon)), -1);
        _tanh.CopyInPlace(_w.Tanh());
    }

    /// <summary>Lets rows start afresh at images.</summary>
    public void Restart(long[] rows, Tensor images)
    {
        if (rows.Length == 0) return;
        Tensor w = ToW(images), zero = w.ZerosLike();
        _w.Put(rows, w);
        _tanh.Put(rows, w.Tanh());
        _first.Put(rows, zero);
        _second.Put(rows, zero);
        foreach (long row in rows) _ages[row] = 0;
    }

    /// <summary>The descent of some rows.</summary>
    public TanhDescent Select(long[] rows) => new(_w.At(rows), _tanh.At(rows), _first.At(rows), _second.At(rows), _ages.At(rows));

    private static Tensor ToW(Tensor images) => images.Mul(2).Sub(1).MulInPlace(Shrink).Atanh();
}
