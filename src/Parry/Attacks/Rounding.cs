using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>Whether adversarial images live on in files: what 8 bits per value, as in a PNG, leave of them.</summary>
public static class Rounding
{
    private const double Slack = 1e-6;

    /// <summary>Images with each value rounded to the nearest of 256 levels, [N, C, H, W] in [0, 1].</summary>
    public static Tensor ToBytes(Tensor images)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(images.mul(255.0).round().div(255.0));
    }

    /// <summary>Which of an attack's successes still reach the goal after rounding, [N].</summary>
    /// <param name="result">The attack's result.</param>
    /// <param name="model">The model it attacked.</param>
    /// <param name="goal">The goal it had.</param>
    /// <param name="firstSample">The number of the first image's sample.</param>
    public static bool[] Survivors(AttackResult result, IPredictor model, Goal goal, long firstSample = 0)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        bool[] reached = goal.IsReached(tensor(Predictions.Of(model, ToBytes(result.Images), firstSample)))
            .ToArray<bool>();
        return [.. reached.Zip(result.Succeeded, (still, succeeded) => still && succeeded)];
    }

    /// <summary>
    /// An attack's images as files of 8 bits per value keep them. Where rounding to the nearest level undoes a success,
    /// the perturbation is rounded away from the clean image, by as much as the budget allows; where that does not help
    /// either, the nearest levels stay.
    /// </summary>
    /// <param name="result">The attack's result.</param>
    /// <param name="clean">The clean images, [N, C, H, W] in [0, 1].</param>
    /// <param name="model">The model it attacked.</param>
    /// <param name="goal">The goal it had.</param>
    /// <param name="firstSample">The number of the first image's sample.</param>
    /// <returns>Images of 256 levels, [N, C, H, W] in [0, 1], and which of them reach the goal.</returns>
    public static (Tensor Images, bool[] Reached) Saved(
        AttackResult result,
        Tensor clean,
        IPredictor model,
        Goal goal,
        long firstSample = 0
    )
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor nearest = ToBytes(result.Images);
        bool[] reached = Reached(nearest);
        if (result.Succeeded.Zip(reached).All(row => !row.First || row.Second))
            return (scope.MoveToOuter(nearest), reached);
        Tensor further = Further(result, clean);
        bool[] within = result.Epsilon is { } epsilon
            ? (result.Norm.Of(further - clean) <= epsilon + Slack).ToArray<bool>()
            : [.. reached.Select(_ => true)];
        bool[] helps = Reached(further);
        bool[] taken = [.. reached.Select((there, i) => result.Succeeded[i] && !there && helps[i] && within[i])];
        Tensor saved = where(tensor(taken).reshape(-1, 1, 1, 1), further, nearest);
        return (scope.MoveToOuter(saved), [.. reached.Zip(taken, (first, second) => first || second)]);

        bool[] Reached(Tensor images) =>
            goal.IsReached(tensor(Predictions.Of(model, images, firstSample))).ToArray<bool>();
    }

    // Every changed value at the next level away from the clean image; in Linf no further than the budget.
    private static Tensor Further(AttackResult result, Tensor clean)
    {
        Tensor levels = (result.Images - clean) * 255.0;
        Tensor size = (levels.abs() - (Slack * 255.0)).ceil().clamp_min(0.0);
        if (result is { Norm: Norm.Linf, Epsilon: { } epsilon })
            size = size.clamp_max(Math.Floor((epsilon + Slack) * 255.0));
        return ToBytes((clean + (levels.sign() * size / 255.0)).clamp(0.0, 1.0));
    }
}
