using Parry.Torch;

namespace Parry.Attacks.Steps;

/// <summary>
/// The images an attack may return: in the box [0, 1] and, each row within its own radius in Linf, L2 or L1, around clean images.
/// </summary>
internal sealed class Ball
{
    private const double Smallest = 1e-12;
    private const int Halvings = 12;
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

    /// <summary>The usual budget for MNIST in a norm.</summary>
    public static double UsualRadius(Norm norm) => norm switch
    {
        Norm.Linf => 0.3,
        Norm.L2 => 2,
        _ => 10,
    };

    /// <summary>The balls of some rows.</summary>
    public Ball Select(long[] rows) => new(_norm, _center.At(rows), _radii.At(rows));

    /// <summary>
    /// The nearest allowed images: onto the ball, then into the box, which cannot leave a ball around an image in the box; in L1 onto both at once, since
    /// what clipping takes away could be spent elsewhere.
    /// </summary>
    public Tensor Project(Tensor points)
    {
        if (_norm == Norm.Linf) return points.Maximum(_low!).Minimum(_high!);
        if (_norm == Norm.L1) return ProjectL1(points);
        Tensor change = points.Sub(_center);
        Tensor scale = _radius.Div(change.Norm(2, s_image, keep: true).ClampMin(Smallest)).ClampInPlace(0, 1);
        return change.MulInPlace(scale).AddInPlace(_center).ClampInPlace(0, 1);
    }

    /// <summary>Points drawn uniformly from the balls, then put into the box; in L1 the projection of normal noise. It uses draws 0 and 1.</summary>
    public Tensor Draw(SampleRandom random)
    {
        ReadOnlySpan<long> shape = _center.Shape.AsSpan(1);
        if (_norm == Norm.Linf) return Project(random.Uniform(0, shape).Mul(2).Sub(1).Mul(_radius).AddInPlace(_center));
        if (_norm == Norm.L1) return Project(random.Normal(0, shape).AddInPlace(_center));
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

    /// <summary>Frees what it made before its scope ends, for attacks that replace it as rows leave. The clean images stay.</summary>
    public void Free()
    {
        _radius.Dispose();
        _low?.Dispose();
        _high?.Dispose();
    }

    // The change v nearest to y keeps its signs: |v| = min(max(|y| - t, 0), room in the box), with the smallest t ≥ 0 that fits the radius. Halving brackets
    // t, a straight line between the ends of the bracket gives it, and a scale takes away what that is too much.
    private Tensor ProjectL1(Tensor points)
    {
        using var scope = new TensorScope();
        Tensor change = points.Sub(_center), size = change.Abs();
        Tensor room = Tensor.Where(change.Greater(0), _center.SubtractedFrom(1), _center);
        Tensor Spent(Tensor threshold) => size.Sub(threshold).ClampInPlace(0, double.PositiveInfinity).Minimum(room);
        Tensor Excess(Tensor threshold) => Spent(threshold).Sum(s_image, keep: true).AddInPlace(_radius, -1);

        Tensor low = _radius.ZerosLike(), high = size.Amax(s_image, keep: true), atLow = Excess(low), atHigh = _radius.Neg();
        Tensor outside = atLow.Greater(0);
        for (int i = 0; i < Halvings; i++)
        {
            Tensor middle = low.Add(high).MulInPlace(0.5), excess = Excess(middle), less = excess.Greater(0);
            (low, atLow) = (Tensor.Where(less, middle, low), Tensor.Where(less, excess, atLow));
            (high, atHigh) = (Tensor.Where(less, high, middle), Tensor.Where(less, atHigh, excess));
        }

        Tensor threshold = low.Add(high.Sub(low).Mul(atLow).Div(atLow.Sub(atHigh).ClampMin(Smallest)));
        Tensor spent = Spent(Tensor.Where(outside, threshold, _radius.ZerosLike()));
        Tensor scale = _radius.Div(spent.Sum(s_image, keep: true).ClampMin(Smallest)).ClampInPlace(0, 1);
        return scope.Keep(spent.MulInPlace(scale).MulInPlace(change.Sign()).AddInPlace(_center).ClampInPlace(0, 1));
    }

    private static Tensor Unit(Tensor vectors) => vectors.Div(vectors.Norm(2, s_image, keep: true).ClampMin(Smallest));
}
