using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>The part of a plane that lies within the box [0, 1].</summary>
internal static class BoxedPlane
{
    private const double Smallest = 1e-12;
    private const double Tolerance = 1e-6;
    private const int NewtonSteps = 20;

    // All that has a slope is at the edge of the box by then, and t must stay finite.
    private const double Farthest = 1e30;

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
        Tensor sign = missing.sign() * w.sign();
        Tensor gain = w.abs();
        Tensor need = missing.abs();
        Tensor room = where(sign > 0, 1 - point, point);
        Tensor change = norm switch
        {
            Norm.L1 => Greedy(gain, room, need),
            Norm.L2 => Along(gain, gain, room, need),
            _ => Along(gain.sign(), gain, room, need),
        };
        return scope.MoveToOuter(sign * change);
    }

    // The change is min(t·speed, room) for the smallest t that gains enough. The gain grows ever slower with t, so
    // Newton's method comes from below and ends exactly.
    private static Tensor Along(Tensor speed, Tensor gain, Tensor room, Tensor need)
    {
        Tensor slopes = gain * speed;
        Tensor most = gain * room;
        Tensor t = need / slopes.SumPerImage(keepdim: true).clamp_min(Smallest);
        for (int i = 0; i < NewtonSteps; i++)
        {
            Tensor gains = t * slopes;
            Tensor slope = (slopes * (gains < most)).SumPerImage(keepdim: true);
            Tensor lacking = need - gains.minimum(most).SumPerImage(keepdim: true);
            Tensor more = (lacking > Tolerance * need) & (slope > 0);
            if (more.any().Item() == 0)
                break;
            t = where(more, t + (lacking / slope), t).clamp_max(Farthest);
        }

        return (t * speed).minimum(room);
    }

    // The largest gains are spent to the edge of the box, one after the other.
    private static Tensor Greedy(Tensor gain, Tensor room, Tensor need)
    {
        var (gains, order) = gain.flatten(1).sort(1, true);
        Tensor rooms = room.flatten(1).gather(1, order);
        Tensor each = gains * rooms;
        Tensor before = each.cumsum(1) - each;
        Tensor left = (need.flatten(1) - before) / gains.clamp_min(Smallest);
        Tensor spent = left.clamp_min(0.0).minimum(rooms) * gains.sign();
        return zeros_like(spent).scatter(1, order, spent).reshape(gain.shape);
    }
}
