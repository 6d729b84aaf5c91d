using Parry.Models;
using Parry.Torch;

namespace Parry.Attacks;

/// <summary>Whether adversarial images live on in files: what 8 bits per value, as in a PNG, leave of them.</summary>
public static class Rounding
{
    /// <summary>Images with each value rounded to the nearest of 256 levels, [N, C, H, W] in [0, 1].</summary>
    public static Tensor ToBytes(Tensor images)
    {
        using var scope = new TensorScope();
        return scope.Keep(images.Mul(255).Round().Div(255));
    }

    /// <summary>Which of an attack's successes still reach the goal after rounding, [N].</summary>
    /// <param name="result">The attack's result.</param>
    /// <param name="model">The model it attacked.</param>
    /// <param name="goal">The goal it had.</param>
    public static bool[] Survivors(AttackResult result, IPredictor model, Goal goal)
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        bool[] reached = goal.IsReached(Tensor.From(Predictions.Of(model, ToBytes(result.Images)))).ToArray<bool>();
        return [.. reached.Zip(result.Succeeded, (still, succeeded) => still && succeeded)];
    }
}
