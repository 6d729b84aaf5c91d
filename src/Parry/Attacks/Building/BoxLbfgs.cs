using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Projected L-BFGS in the box [0, 1] for many rows at once (after Nocedal, 1980, and Bertsekas, 1982). Each row has
/// its own history, step length and end. It asks for one value and gradient at a time, at <see cref="Point"/>; a row
/// whose value has not fallen enough halves its step, the others take the next one. Values at the border of the box
/// that the gradient pushes out stay there and out of the quadratic model.
/// </summary>
internal sealed class BoxLbfgs
{
    private const int History = 6;
    private const double SufficientDecrease = 1e-4;
    private const double SmallestStep = 1e-6;
    private const double SmallestDecrease = 1e-6;
    private const double Curvature = 1e-10;

    // Of each row the point and gradient that were accepted last, and the direction from there.
    private readonly Tensor _accepted;
    private readonly Tensor _gradient;
    private readonly Tensor _direction;
    private readonly double[] _steps;
    private readonly float[] _values;

    // Of each row the last moves s, the turns y of the gradient with them, and 1 / (s·y), each in a ring of History
    // places; an inverse of zero marks an empty place.
    private readonly Tensor _moves;
    private readonly Tensor _turns;
    private readonly Tensor _inverses;
    private readonly int[] _newest;

    /// <summary>Starts at points [N, C, H, W] in the box.</summary>
    public BoxLbfgs(Tensor points)
    {
        int count = (int)points.size(0);
        Point = points.clone();
        _accepted = points.clone();
        _gradient = zeros_like(points);
        _direction = zeros_like(points);
        _steps = new double[count];
        _values = [.. Enumerable.Repeat(float.PositiveInfinity, count)];
        _moves = zeros_like(points).repeat_interleave(History, 0);
        _turns = zeros_like(points).repeat_interleave(History, 0);
        _inverses = zeros([count * History, 1, 1, 1]);
        _newest = new int[count];
    }

    private BoxLbfgs(BoxLbfgs from, long[] rows)
    {
        long[] places = [.. rows.SelectMany(row => Enumerable.Range(0, History).Select(i => (row * History) + i))];
        Point = from.Point.At(rows);
        (_accepted, _gradient, _direction) = (
            from._accepted.At(rows),
            from._gradient.At(rows),
            from._direction.At(rows)
        );
        (_steps, _values) = (from._steps.At(rows), from._values.At(rows));
        (_moves, _turns, _inverses) = (from._moves.At(places), from._turns.At(places), from._inverses.At(places));
        _newest = from._newest.At(rows);
    }

    /// <summary>Where the next value and gradient are wanted.</summary>
    public Tensor Point { get; }

    /// <summary>The minimizer of some rows.</summary>
    public BoxLbfgs Select(long[] rows) => new(this, rows);

    /// <summary>
    /// Takes the values [N] and gradients [N, C, H, W] at the points and moves on; returns which rows are done.
    /// </summary>
    public bool[] Learn(Tensor values, Tensor gradients)
    {
        Tensor move = Point - _accepted;
        Tensor turn = gradients - _gradient;
        bool[] done = Judge(values.ToArray<float>(), Dot(_gradient, move).ToArray<float>(), out bool[] falls);
        long[] taken = Rows.Where(falls, true);
        if (taken.Length > 0)
        {
            Remember(taken, move, turn);
            _accepted.Put(taken, Point.At(taken));
            _gradient.Put(taken, gradients.At(taken));
            _direction.Put(taken, Downhill().At(taken));
        }

        Point.copy_((_accepted + (Rows.Column(_steps) * _direction)).clamp(0.0, 1.0));
        return done;
    }

    // Armijo's rule: a step is accepted where the value falls as much as a share of what the slope promises, else
    // halved.
    private bool[] Judge(float[] values, float[] slopes, out bool[] falls)
    {
        falls = new bool[values.Length];
        var done = new bool[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            bool first = float.IsInfinity(_values[i]);
            falls[i] = first || values[i] <= _values[i] + (SufficientDecrease * slopes[i]);
            done[i] = falls[i]
                ? !first && _values[i] - values[i] <= SmallestDecrease * Math.Max(1e-3f, Math.Abs(values[i]))
                : _steps[i] <= SmallestStep;
            _steps[i] = falls[i] ? 1 : _steps[i] / 2;
            if (falls[i])
                _values[i] = values[i];
        }

        return done;
    }

    // The steps of these rows, where they curve upwards, in the places of the oldest.
    private void Remember(long[] taken, Tensor move, Tensor turn)
    {
        Tensor product = Dot(move, turn);
        bool[] curved = (product > Curvature).ToArray<bool>();
        long[] rows = [.. taken.Where(row => curved[row])];
        if (rows.Length == 0)
            return;
        foreach (long row in rows)
            _newest[row] = (_newest[row] + 1) % History;
        long[] places = Places(0).At(rows);
        _moves.Put(places, move.At(rows));
        _turns.Put(places, turn.At(rows));
        _inverses.Put(places, 1 / product.At(rows));
    }

    // Where the newest step of each row is (age 0), or an older one.
    private long[] Places(int age) =>
        [.. _newest.Select((newest, row) => (long)((row * History) + ((newest + History - age) % History)))];

    // The two loops of L-BFGS over the values that are free to move; the plain gradient, no longer than 1, where there
    // is no history or no descent.
    private Tensor Downhill()
    {
        Tensor free = where(_gradient > 0, _accepted > 0, _accepted < 1).to(ScalarType.Float32);
        Tensor slope = free * _gradient;
        Tensor steepest = -slope / slope.LengthPerImage(keepdim: true).clamp_min(1.0);
        long[][] places = [.. Enumerable.Range(0, History).Select(Places)];
        Tensor[] s = [.. places.Select(_moves.At)];
        Tensor[] y = [.. places.Select(_turns.At)];
        Tensor[] rho = [.. places.Select(_inverses.At)];
        var alpha = new Tensor[History];
        Tensor q = slope;
        for (int age = 0; age < History; age++)
        {
            alpha[age] = rho[age] * Dot(s[age], q);
            q -= alpha[age] * y[age];
        }

        Tensor r = q / (rho[0] * Dot(y[0], y[0])).clamp_min(Curvature);
        for (int age = History - 1; age >= 0; age--)
        {
            Tensor beta = rho[age] * Dot(y[age], r);
            r += s[age] * (alpha[age] - beta);
        }

        Tensor direction = -free * r;
        return where((rho[0] > 0).logical_and(Dot(direction, slope) < 0), direction, steepest);
    }

    private static Tensor Dot(Tensor a, Tensor b) => (a * b).SumPerImage(keepdim: true);
}
