using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks;

/// <summary>Whether adversarial images live on in files: what 8 bits per value, as in a PNG, leave of them.</summary>
public static class Rounding
{
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
    public static bool[] Survivors(AttackResult result, IPredictor model, Goal goal)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        bool[] reached = goal.IsReached(tensor(Predictions.Of(model, ToBytes(result.Images)))).ToArray<bool>();
        return [.. reached.Zip(result.Succeeded, (still, succeeded) => still && succeeded)];
    }
}
