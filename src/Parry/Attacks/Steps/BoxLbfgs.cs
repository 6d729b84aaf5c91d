using Parry.Torch;

namespace Parry.Attacks.Steps;

/// <summary>
/// Projected L-BFGS in the box [0, 1] for many rows at once (after Nocedal, 1980, and Bertsekas, 1982). Each row has its own history, step length and end. It asks for one
/// value and gradient at a time, at <see cref="Point"/>; a row whose value has not fallen enough halves its step, the others take the next one. Values at the
/// border of the box that the gradient pushes out stay there and out of the quadratic model.
/// </summary>
internal sealed class BoxLbfgs
{
    private const int History = 6;
    private const double SufficientDecrease = 1e-4, SmallestStep = 1e-6, SmallestDecrease = 1e-6, Curvature = 1e-10;
    private static readonly long[] s_image = [1, 2, 3];

    private readonly Tensor _point, _accepted, _gradient, _direction;
    private readonly Tensor[] _moves, _turns, _inverses;
    private readonly double[] _steps;
    private readonly float[] _values;

    /// <summary>Starts at points [N, C, H, W] in the box.</summary>
    public BoxLbfgs(Tensor points)
    {
        (_point, _accepted, _gradient, _direction) = (points.Clone(), points.Clone(), points.ZerosLike(), points.ZerosLike());
        Tensor[] Zeros(Func<Tensor> zero) => [.. Enumerable.Range(0, History).Select(_ => zero())];
        (_moves, _turns, _inverses) = (Zeros(points.ZerosLike), Zeros(points.ZerosLike), Zeros(() => Tensor.Zeros([points.Size(0), 1, 1, 1])));
        (_steps, _values) = (new double[points.Size(0)], [.. Enumerable.Repeat(float.PositiveInfinity, (int)points.Size(0))]);
    }

    private BoxLbfgs(BoxLbfgs from, long[] rows)
    {
        Tensor[] All(Tensor[] tensors) => [.. tensors.Select(tensor => tensor.At(rows))];
        (_point, _accepted, _gradient, _direction) = (from._point.At(rows), from._accepted.At(rows), from._gradient.At(rows), from._direction.At(rows));
        (_moves, _turns, _inverses, _steps, _values) = (All(from._moves), All(from._turns), All(from._inverses), from._steps.At(rows), from._values.At(rows));
    }

    /// <summary>Where the next value and gradient are wanted.</summary>
    public Tensor Point => _point;

    /// <summary>The minimizer of some rows.</summary>
    public BoxLbfgs Select(long[] rows) => new(this, rows);

    /// <summary>Takes the values [N] and gradients [N, C, H, W] at the points and moves on; returns which rows are done.</summary>
    public bool[] Learn(Tensor values, Tensor gradients)
    {
        Tensor move = _point.Sub(_accepted), turn = gradients.Sub(_gradient);
        float[] value = values.ToArray<float>(), expected = Dot(_gradient, move).ToArray<float>();
        bool[] falls = [.. value.Select((v, i) => v <= _values[i] + (SufficientDecrease * expected[i]) || float.IsInfinity(_values[i]))];
        var done = new bool[value.Length];
        for (int i = 0; i < value.Length; i++)
        {
            bool first = float.IsInfinity(_values[i]);
            done[i] = falls[i] ? !first && _values[i] - value[i] <= SmallestDecrease * Math.Max(1e-3f, Math.Abs(value[i])) : _steps[i] <= SmallestStep;
            _steps[i] = falls[i] ? 1 : _steps[i] / 2;
            if (falls[i]) _values[i] = value[i];
        }

        Tensor taken = Tensor.From(falls).Reshape(-1, 1, 1, 1);
        Remember(taken, move, turn);
        _accepted.CopyInPlace(Tensor.Where(taken, _point, _accepted));
        _gradient.CopyInPlace(Tensor.Where(taken, gradients, _gradient));
        if (falls.Contains(true)) _direction.CopyInPlace(Tensor.Where(taken, Downhill(), _direction));
        _point.CopyInPlace(_direction.Mul(Rows.Column(_steps)).AddInPlace(_accepted).ClampInPlace(0, 1));
        return done;
    }

    // Histories move up by one in the rows that took their step and curve upwards; an inverse of zero marks an empty place.
    private void Remember(Tensor taken, Tensor move, Tensor turn)
    {
        Tensor product = Dot(move, turn), valid = taken.And(product.Greater(Curvature)), inverse = product.ClampMin(Curvature).Pow(-1);
        for (int i = 0; i < History; i++)
        {
            bool newest = i == History - 1;
            _moves[i].CopyInPlace(Tensor.Where(valid, newest ? move : _moves[i + 1], _moves[i]));
            _turns[i].CopyInPlace(Tensor.Where(valid, newest ? turn : _turns[i + 1], _turns[i]));
            _inverses[i].CopyInPlace(Tensor.Where(valid, newest ? inverse : _inverses[i + 1], _inverses[i]));
        }
    }

    // The two loops of L-BFGS over the values that are free to move; the plain gradient, no longer than 1, where there is no history or no descent.
    private Tensor Downhill()
    {
        Tensor stuck = Tensor.Where(_gradient.Greater(0), _accepted.LessOrEqual(0), _accepted.GreaterOrEqual(_accepted.OnesLike()));
        Tensor free = _gradient.MaskedFill(stuck, 0), steepest = free.Div(free.Norm(2, s_image, keep: true).ClampMin(1)).Neg(), vector = free.Clone();
        var shares = new Tensor[History];
        for (int i = History - 1; i >= 0; i--)
        {
            shares[i] = Dot(_moves[i], vector).MulInPlace(_inverses[i]);
            vector.AddProductInPlace(_turns[i], shares[i], -1);
        }

        Tensor newest = _turns[^1], scale = Dot(newest, newest).MulInPlace(_inverses[^1]).ClampMin(Curvature).Pow(-1);
        vector.MulInPlace(scale);
        for (int i = 0; i < History; i++) vector.AddProductInPlace(_moves[i], shares[i].Sub(Dot(_turns[i], vector).MulInPlace(_inverses[i])));
        Tensor direction = vector.MaskedFill(stuck, 0).Neg();
        Tensor good = _inverses[^1].Greater(0).And(Dot(direction, free).Less(0));
        return Tensor.Where(good, direction, steepest);
    }

    private static Tensor Dot(Tensor a, Tensor b) => a.Mul(b).Sum(s_image, keep: true);
}
