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
    private const double SufficientDecrease = 1e-4,
        SmallestStep = 1e-6,
        SmallestDecrease = 1e-6,
        Curvature = 1e-10;
    private static readonly long[] s_image = [1, 2, 3];

    private readonly Tensor _point,
        _accepted,
        _gradient,
        _direction;
    private readonly double[] _steps;
    private readonly float[] _values;

    // Of each row the last moves, the turns of the gradient with them, and the inverses of their products, in turn; an
    // inverse of zero marks an empty place.
    private readonly Tensor _moves,
        _turns,
        _inverses;
    private readonly int[] _newest;

    /// <summary>Starts at points [N, C, H, W] in the box.</summary>
    public BoxLbfgs(Tensor points)
    {
        int count = (int)points.size(0);
        (_point, _accepted, _gradient, _direction) = (
            points.clone(),
            points.clone(),
            zeros_like(points),
            zeros_like(points)
        );
        (_steps, _values, _newest) = (
            new double[count],
            [.. Enumerable.Repeat(float.PositiveInfinity, count)],
            new int[count]
        );
        (_moves, _turns, _inverses) = (
            zeros_like(points).repeat_interleave(History, 0),
            zeros_like(points).repeat_interleave(History, 0),
            zeros([count * History, 1, 1, 1])
        );
    }

    private BoxLbfgs(BoxLbfgs from, long[] rows)
    {
        long[] places = [.. rows.SelectMany(row => Enumerable.Range(0, History).Select(i => (row * History) + i))];
        (_point, _accepted, _gradient, _direction) = (
            from._point.At(rows),
            from._accepted.At(rows),
            from._gradient.At(rows),
            from._direction.At(rows)
        );
        (_moves, _turns, _inverses) = (from._moves.At(places), from._turns.At(places), from._inverses.At(places));
        (_steps, _values, _newest) = (from._steps.At(rows), from._values.At(rows), from._newest.At(rows));
    }

    /// <summary>Where the next value and gradient are wanted.</summary>
    public Tensor Point => _point;

    /// <summary>The minimizer of some rows.</summary>
    public BoxLbfgs Select(long[] rows) => new(this, rows);

    /// <summary>
    /// Takes the values [N] and gradients [N, C, H, W] at the points and moves on; returns which rows are done.
    /// </summary>
    public bool[] Learn(Tensor values, Tensor gradients)
    {
        Tensor move = _point.sub(_accepted),
            turn = gradients.sub(_gradient);
        float[] value = values.ToArray<float>(),
            expected = Dot(_gradient, move).ToArray<float>();
        bool[] falls =
        [
            .. value.Select(
                (v, i) => v <= _values[i] + (SufficientDecrease * expected[i]) || float.IsInfinity(_values[i])
            ),
        ];
        var done = new bool[value.Length];
        for (int i = 0; i < value.Length; i++)
        {
            bool first = float.IsInfinity(_values[i]);
            done[i] = falls[i]
                ? !first && _values[i] - value[i] <= SmallestDecrease * Math.Max(1e-3f, Math.Abs(value[i]))
                : _steps[i] <= SmallestStep;
            _steps[i] = falls[i] ? 1 : _steps[i] / 2;
            if (falls[i])
                _values[i] = value[i];
        }

        long[] taken = Rows.Where(falls, true);
        if (taken.Length > 0)
        {
            Remember(taken, move, turn);
            _accepted.Put(taken, _point.At(taken));
            _gradient.Put(taken, gradients.At(taken));
            _direction.Put(taken, Downhill().At(taken));
        }

        _point.copy_(_direction.mul(Rows.Column(_steps)).add_(_accepted).clamp_(0.0, 1.0));
        return done;
    }

    // The steps of these rows, where they curve upwards, in the places of the oldest.
    private void Remember(long[] taken, Tensor move, Tensor turn)
    {
        Tensor product = Dot(move, turn);
        bool[] curved = product.gt(Curvature).ToArray<bool>();
        long[] rows = [.. taken.Where(row => curved[row])];
        if (rows.Length == 0)
            return;
        foreach (long row in rows)
            _newest[row] = (_newest[row] + 1) % History;
        long[] places = Places(0).At(rows);
        _moves.Put(places, move.At(rows));
        _turns.Put(places, turn.At(rows));
        _inverses.Put(places, product.At(rows).pow(-1.0));
    }

    // Where the newest step of each row is (age 0), or an older one.
    private long[] Places(int age) =>
        [.. _newest.Select((newest, row) => (long)((row * History) + ((newest + History - age) % History)))];

    // The two loops of L-BFGS over the values that are free to move; the plain gradient, no longer than 1, where there
    // is no history or no descent.
    private Tensor Downhill()
    {
        Tensor free = where(_gradient.gt(0.0), _accepted.gt(0.0), _accepted.lt(1.0)).to(ScalarType.Float32);
        Tensor slope = _gradient.mul(free),
            steepest = slope.div(linalg.vector_norm(slope, 2, s_image, true).clamp_min(1.0)).mul_(-1.0),
            vector = slope.clone();
        long[][] places = [.. Enumerable.Range(0, History).Select(Places)];
        Tensor[] moves = [.. places.Select(_moves.At)],
            turns = [.. places.Select(_turns.At)],
            inverses = [.. places.Select(_inverses.At)],
            shares = new Tensor[History];
        for (int age = 0; age < History; age++)
        {
            shares[age] = Dot(moves[age], vector).mul_(inverses[age]);
            vector.addcmul_(turns[age], shares[age], -1.0);
        }

        vector.mul_(Dot(turns[0], turns[0]).mul_(inverses[0]).clamp_min(Curvature).pow(-1.0));
        for (int age = History - 1; age >= 0; age--)
            vector.add_(moves[age].mul(shares[age].sub(Dot(turns[age], vector).mul_(inverses[age]))));
        Tensor direction = vector.mul_(free).mul_(-1.0);
        return where(inverses[0].gt(0.0).logical_and(Dot(direction, slope).lt(0.0)), direction, steepest);
    }

    private static Tensor Dot(Tensor a, Tensor b) => a.mul(b).sum(s_image, true);
}
