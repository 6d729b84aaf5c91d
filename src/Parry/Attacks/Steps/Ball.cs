using Parry.Torch;

namespace Parry.Attacks.Steps;

/// <summary>The images an attack may return: in the box [0, 1] and, each row within its own radius in Linf or L2, around clean images.</summary>
internal sealed class Ball
{
    private const double Smallest = 1e-12;
    private static readonly long[] s_image = [1, 2, 3];

    private readonly Norm _norm;
    private readonly Tensor _center;
    private readonly double[] _radii;
    private readonly Tensor _radius;
    private readonly Tensor? _low, _high;

    /// <summary>Creates the balls around clean images [N, C, H, W].</summary>
    public Ball(Norm norm, Tensor center, double[] radii)
    {
        (_norm, _center, _radii, _radius) = (norm, center, radii, Rows.Column(radii));
        if (norm == Norm.Linf) (_low, _high) = (center.Sub(_radius).ClampInPlace(0, 1), center.Add(_radius).ClampInPlace(0, 1));
    }

    /// <summary>The balls of some rows.</summary>
    public Ball Select(long[] rows) => new(_norm, _center.At(rows), _radii.At(rows));

    /// <summary>The nearest allowed images: onto the ball, then into the box, which cannot leave a ball around an image in the box.</summary>
    public Tensor Project(Tensor points)
    {
        if (_norm == Norm.Linf) return points.Maximum(_low!).Minimum(_high!);
        Tensor change = points.Sub(_center);
        Tensor scale = _radius.Div(change.Norm(2, s_image, keep: true).ClampMin(Smallest)).ClampInPlace(0, 1);
        return change.MulInPlace(scale).AddInPlace(_center).ClampInPlace(0, 1);
    }

    /// <summary>Points drawn uniformly from the balls, then put into the box. It uses draws 0 and 1.</summary>
    public Tensor Draw(SampleRandom random)
    {
        ReadOnlySpan<long> shape = _center.Shape.AsSpan(1);
        if (_norm == Norm.Linf) return Project(random.Uniform(0, shape).Mul(2).Sub(1).Mul(_radius).AddInPlace(_center));
        double dimensions = (double)_center.Elements / _center.Size(0);
        Tensor lengths = random.Uniform(1, 1, 1, 1).Pow(1 / dimensions).Mul(_radius);
        return Project(Unit(random.Normal(0, shape)).Mul(lengths).AddInPlace(_center));
    }

    /// <summary>The direction of length 1 in the norm along which a loss of this gradient rises fastest.</summary>
    /// <param name="gradient">Of each row's loss.</param>
    /// <param name="random">Where the direction of a row comes from whose gradient is zero (L2).</param>
    /// <param name="draw">The number of that draw.</param>
    public Tensor Steepest(Tensor gradient, SampleRandom random, long draw)
    {
        if (_norm == Norm.Linf) return gradient.Sign();
        Tensor lost = gradient.Norm(2, s_image, keep: true).LessOrEqual(Smallest);
        return lost.Any().ToDouble() == 0
            ? Unit(gradient)
            : Tensor.Where(lost, Unit(random.Normal(draw, _center.Shape.AsSpan(1))), Unit(gradient));
    }

    private static Tensor Unit(Tensor vectors) => vectors.Div(vectors.Norm(2, s_image, keep: true).ClampMin(Smallest));
}
