using Parry.Torch;

namespace Parry.Attacks.Steps;

/// <summary>The part of a plane that lies within the box [0, 1].</summary>
internal static class BoxedPlane
{
    private const double Smallest = 1e-12;
    private const double Tolerance = 1e-6;
    private const int NewtonSteps = 20;
    private static readonly long[] s_image = [1, 2, 3];

    /// <summary>The smallest change in Linf, L2 or L1 that keeps a point in the box and raises w·x by what is missing; the largest possible where that is not enough.</summary>
    /// <param name="norm">Linf, L2 or L1.</param>
    /// <param name="point">In the box, [N, C, H, W].</param>
    /// <param name="w">The normal of each row's plane, [N, C, H, W].</param>
    /// <param name="missing">[N, 1, 1, 1], of either sign.</param>
    public static Tensor Step(Norm norm, Tensor point, Tensor w, Tensor missing)
    {
        using var scope = new TensorScope();
        Tensor sign = missing.Sign().Mul(w.Sign()), gain = w.Abs(), need = missing.Abs();
        Tensor room = Tensor.Where(sign.Greater(0), point.SubtractedFrom(1), point);
        return scope.Keep((norm == Norm.L1 ? Greedy(gain, room, need) : Along(norm == Norm.L2 ? gain : gain.Sign(), gain, room, need)).MulInPlace(sign));
    }

    // The change is min(t·speed, room) for the smallest t that gains enough. The gain grows ever slower with t, so Newton's method comes from below and ends exactly.
    private static Tensor Along(Tensor speed, Tensor gain, Tensor room, Tensor need)
    {
        Tensor slopes = gain.Mul(speed), t = need.ZerosLike(), end = Tensor.Where(gain.Greater(0), room, gain);
        for (int i = 0; i < NewtonSteps; i++)
        {
            Tensor reach = t.Mul(speed), free = reach.Less(end);
            Tensor gained = reach.Minimum(end).MulInPlace(gain).Sum(s_image, keep: true);
            Tensor slope = slopes.Mul(free).Sum(s_image, keep: true), lacking = need.Sub(gained), more = lacking.Greater(need.Mul(Tolerance)).And(slope.Greater(0));
            if (more.Any().ToDouble() == 0) break;
            t = Tensor.Where(more, t.Add(lacking.Div(slope)), t);
        }

        return t.Mul(speed).Minimum(end);
    }

    // The largest gains are spent to the edge of the box, one after the other.
    private static Tensor Greedy(Tensor gain, Tensor room, Tensor need)
    {
        var (gains, order) = gain.Flatten().Sort(1, descending: true);
        Tensor rooms = room.Flatten().Gather(1, order), each = gains.Mul(rooms);
        Tensor before = each.CumulativeSum(1).Sub(each);
        Tensor spent = need.Flatten().Sub(before).Div(gains.ClampMin(Smallest)).ClampInPlace(0, double.PositiveInfinity).Minimum(rooms).MulInPlace(gains.Sign());
        return spent.ZerosLike().Scatter(1, order, spent).Reshape(gain.Shape);
    }
}
