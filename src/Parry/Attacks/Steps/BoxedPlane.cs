using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Attacks.Steps;

/// <summary>The part of a plane that lies within the box [0, 1].</summary>
internal static class BoxedPlane
{
    private const double Smallest = 1e-12;
    private const double Tolerance = 1e-6;
    private const int NewtonSteps = 20;
    private static readonly long[] s_image = [1, 2, 3];

    /// <summary>
    /// The smallest change in Linf, L2 or L1 that keeps a point in the box and raises w·x by what is missing; the
    /// largest possible where that is not enough.
    /// </summary>
    /// <param name="norm">Linf, L2 or L1.</param>
    /// <param name="point">In the box, [N, C, H, W].</param>
    /// <param name="w">The normal of each row's plane, [N, C, H, W].</param>
    /// <param name="missing">[N, 1, 1, 1], of either sign.</param>
    public static Tensor Step(Norm norm, Tensor point, Tensor w, Tensor missing)
    {
        using var scope = NewDisposeScope();
        Tensor sign = missing.sign().mul(w.sign()),
            gain = w.abs(),
            need = missing.abs();
        Tensor room = where(sign.gt(0.0), (1.0 - point), point);
        return scope.MoveToOuter(
            (
                norm == Norm.L1
                    ? Greedy(gain, room, need)
                    : Along(norm == Norm.L2 ? gain : gain.sign(), gain, room, need)
            ).mul_(sign)
        );
    }

    // The change is min(t·speed, room) for the smallest t that gains enough. The gain grows ever slower with t, so
    // Newton's method comes from below and ends exactly.
    private static Tensor Along(Tensor speed, Tensor gain, Tensor room, Tensor need)
    {
        Tensor slopes = gain.mul(speed),
            t = zeros_like(need),
            end = where(gain.gt(0.0), room, gain);
        for (int i = 0; i < NewtonSteps; i++)
        {
            Tensor reach = t.mul(speed),
                free = reach.lt(end);
            Tensor gained = reach.minimum(end).mul_(gain).sum(s_image, true);
            Tensor slope = slopes.mul(free).sum(s_image, true),
                lacking = need.sub(gained),
                more = lacking.gt(need.mul(Tolerance)).logical_and(slope.gt(0.0));
            if (more.any().ToDouble() == 0)
                break;
            t = where(more, t.add(lacking.div(slope)), t);
        }

        return t.mul(speed).minimum(end);
    }

    // The largest gains are spent to the edge of the box, one after the other.
    private static Tensor Greedy(Tensor gain, Tensor room, Tensor need)
    {
        var (gains, order) = gain.flatten(1).sort(1, true);
        Tensor rooms = room.flatten(1).gather(1, order),
            each = gains.mul(rooms);
        Tensor before = each.cumsum(1).sub(each);
        Tensor spent = need.flatten(1)
            .sub(before)
            .div(gains.clamp_min(Smallest))
            .clamp_(0.0, double.PositiveInfinity)
            .minimum(rooms)
            .mul_(gains.sign());
        return zeros_like(spent).scatter(1, order, spent).reshape(gain.shape);
    }
}
