using Parry.Torch;

namespace Parry.Attacks.Steps;

/// <summary>Losses of logits [N, classes] that an attack raises, one number per image. Never averaged, so a sample's gradient does not depend on the batch.</summary>
public static class AttackLoss
{
    private const double Smallest = 1e-12;

    /// <summary>The loss of an objective.</summary>
    public static Func<Tensor, Tensor> Of(Objective objective, Goal goal) => objective switch
    {
        Objective.Margin => Margin(goal),
        Objective.Houdini => logits => Margin(goal)(logits).LogNormalProbability(),
        _ => CrossEntropy(goal),
    };

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

    /// <summary>
    /// DLR, the difference of logits ratio (Croce and Hein, 2020, 2003.01690): the margin in units of the distance from the first to the third logit, so that
    /// scaling the logits changes nothing. It needs three classes.
    /// </summary>
    public static Func<Tensor, Tensor> LogitRatio(Goal goal) => logits =>
    {
        Tensor first = logits.Sort(1, descending: true).Values;
        return Margin(goal)(logits).Div(first.Select(1, 0).Sub(first.Select(1, 2)).Add(Smallest));
    };

    /// <summary>The DLR from one class [N] to another [N]. It needs four classes.</summary>
    public static Func<Tensor, Tensor> LogitRatio(Tensor from, Tensor to) => logits =>
    {
        Tensor first = logits.Sort(1, descending: true).Values;
        Tensor unit = first.Select(1, 0).Sub(first.Select(1, 2).Add(first.Select(1, 3)).Mul(0.5)).Add(Smallest);
        return Difference(from, to)(logits).Div(unit);
    };

    /// <summary>How far the logit of the second class [N] is above that of the first [N].</summary>
    public static Func<Tensor, Tensor> Difference(Tensor from, Tensor to) => logits =>
        logits.Gather(1, to.Unsqueeze(1)).Sub(logits.Gather(1, from.Unsqueeze(1))).Squeeze(1);
}
