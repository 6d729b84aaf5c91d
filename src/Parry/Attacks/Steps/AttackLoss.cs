using Parry.Torch;

namespace Parry.Attacks.Steps;

/// <summary>Losses of logits [N, classes] that an attack raises, one number per image. Never averaged, so a sample's gradient does not depend on the batch.</summary>
public static class AttackLoss
{
    /// <summary>The loss of an objective.</summary>
    public static Func<Tensor, Tensor> Of(Objective objective, Goal goal) => objective == Objective.Margin ? Margin(goal) : CrossEntropy(goal);

    /// <summary>The cross entropy with the true class, or minus that with the wanted one.</summary>
    public static Func<Tensor, Tensor> CrossEntropy(Goal goal) => logits =>
    {
        Tensor logLikelihood = logits.LogSoftmax().Gather(1, goal.Labels.Unsqueeze(1)).Squeeze(1);
        return goal.IsTargeted ? logLikelihood : logLikelihood.Neg();
    };

    /// <summary>How far the best wrong class is above the true one, or the wanted one above the best other: positive when the goal is reached.</summary>
    public static Func<Tensor, Tensor> Margin(Goal goal) => logits =>
    {
        Tensor index = goal.Labels.Unsqueeze(1);
        Tensor label = logits.Gather(1, index).Squeeze(1);
        Tensor best = logits.Sub(logits.ZerosLike().Scatter(1, index, double.PositiveInfinity)).Amax([1]);
        return goal.IsTargeted ? label.Sub(best) : best.Sub(label);
    };

    /// <summary>
    /// The logarithm of the probability that the goal is reached: of the wanted class, or of all classes but the true one. Unlike the cross entropy away from
    /// a class it has an end, 0, so that it can be weighed against other terms.
    /// </summary>
    public static Func<Tensor, Tensor> LogLikelihood(Goal goal) => logits =>
    {
        Tensor index = goal.Labels.Unsqueeze(1);
        Tensor reached = goal.IsTargeted ? logits.Gather(1, index).Squeeze(1) : logits.Scatter(1, index, double.NegativeInfinity).LogSumExp([1]);
        return reached.Sub(logits.LogSumExp([1]));
    };
}
