using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// What an attack may reach within its budget: a ball in a norm around each clean image, cut off at the box [0, 1].
/// </summary>
public sealed class Ball
{
    private const double Smallest = 1e-12;

    // SLIDE's share of the pixels that a step in L1 changes.
    private const double Sparsity = 0.01;

    private readonly Norm _norm;
    private readonly Tensor _center;
    private readonly double[] _radii;
    private readonly Tensor _radius;
    private readonly Tensor? _low;
    private readonly Tensor? _high;

    /// <summary>Creates balls of the same radius around clean images [N, C, H, W].</summary>
    public Ball(Norm norm, Tensor center, double radius)
        : this(norm, center, [.. Enumerable.Repeat(radius, (int)center.size(0))]) { }

    /// <summary>Creates a ball of its own radius around each clean image [N, C, H, W].</summary>
    public Ball(Norm norm, Tensor center, double[] radii)
    {
        (_norm, _center, _radii, _radius) = (norm, center, radii, Rows.Column(radii));
        if (norm != Norm.Linf)
            return;
        _low = (center - _radius).clamp_(0.0, 1.0);
        _high = (center + _radius).clamp_(0.0, 1.0);
    }

    /// <summary>The usual budget for MNIST in a norm.</summary>
    public static double UsualRadius(Norm norm) =>
        norm switch
        {
            Norm.Linf => 0.3,
            Norm.L2 => 2,
            _ => 10,
        };

    /// <summary>The balls of some rows.</summary>
    public Ball Select(long[] rows) => new(_norm, _center.At(rows), _radii.At(rows));

    /// <summary>
    /// Frees what it made before its scope ends, for attacks that replace it as rows leave. The clean images stay.
    /// </summary>
    public void Free()
    {
        _radius.Dispose();
        _low?.Dispose();
        _high?.Dispose();
    }

    /// <summary>
    /// The nearest allowed images; in L2 first onto the ball, then into the box, which cannot leave a ball around an
    /// image in the box.
    /// </summary>
    public Tensor Project(Tensor points)
    {
        if (_norm == Norm.Linf)
            return points.maximum(_low!).minimum(_high!);
        Tensor change = points - _center;
        if (_norm == Norm.L1)
            return (_center + L1Ball.Project(change, _center, _radius)).clamp_(0.0, 1.0);
        Tensor length = Norm.L2.Of(change.to(ScalarType.Float64), keepdim: true).clamp_min(Smallest);
        Tensor scale = (_radius / length).clamp_(0.0, 1.0).to(ScalarType.Float32);
        return (_center + (scale * change)).clamp_(0.0, 1.0);
    }

    /// <summary>Points drawn uniformly from the balls, then put into the box. It uses draws 0 and 1.</summary>
    public Tensor Draw(SampleRandom random)
    {
        ReadOnlySpan<long> shape = _center.shape.AsSpan(1);
        if (_norm == Norm.Linf)
            return Project(_center + (_radius * ((2 * random.Uniform(0, shape)) - 1)));
        double dimensions = (double)_center.numel() / _center.size(0);
        Tensor length = _radius * random.Uniform(1, 1, 1, 1).pow(1 / dimensions);
        Tensor direction = _norm == Norm.L1 ? OnDiamond() : Direction.Unit(random.Normal(0, shape));
        return Project(_center + (length * direction));

        // Laplace numbers, divided by the sum of their absolute values, are uniform over the surface of an L1 ball.
        Tensor OnDiamond()
        {
            Tensor uniform = (2 * random.Uniform(0, _center.shape.AsSpan(1))) - 1;
            Tensor laplace = (1.0 - uniform.abs()).log() * uniform.sign();
            return laplace / Norm.L1.Of(laplace, keepdim: true).clamp_min(Smallest);
        }
    }

    /// <summary>
    /// The direction of length 1 in the norm along which a loss of this gradient rises fastest. In L1 that is a single
    /// pixel; it is shared among the hundredth of the pixels with the largest gradients (SLIDE: Tramèr and Boneh, 2019,
    /// 1904.13000), of those that the box lets move.
    /// </summary>
    /// <param name="point">Where it is, [N, C, H, W].</param>
    /// <param name="gradient">Of each row's loss.</param>
    /// <param name="random">Where the direction of a row comes from whose gradient is zero (L2 and L1).</param>
    /// <param name="draw">The number of that draw.</param>
    public Tensor Steepest(Tensor point, Tensor gradient, SampleRandom random, long draw)
    {
        if (_norm == Norm.Linf)
            return gradient.sign();
        Tensor direction = Direction.Along(gradient, random, draw);
        if (_norm == Norm.L2)
            return direction;
        Tensor blocked = where(direction > 0, point >= 1, point <= 0);
        Tensor sizes = direction.abs().masked_fill(blocked, 0.0);
        long pixels = Math.Max(1, (long)(Sparsity * sizes.numel() / sizes.size(0)));
        Tensor least = sizes.flatten(1).topk((int)pixels, -1).values.amin([1]).clamp_min(Smallest);
        Tensor signs = direction.sign() * (sizes >= least.reshape(-1, 1, 1, 1));
        return signs / Norm.L1.Of(signs, keepdim: true).clamp_min(1.0);
    }
}
