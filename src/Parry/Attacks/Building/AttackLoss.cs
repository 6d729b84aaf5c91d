using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>
/// Losses of logits [N, classes] that an attack raises, one number per image. Never averaged, so a sample's gradient
/// does not depend on the batch.
/// </summary>
public static class AttackLoss
{
    private const double Smallest = 1e-12;

    /// <summary>The loss of an objective.</summary>
    public static Func<Tensor, Tensor> Of(Objective objective, Goal goal) =>
        objective switch
        {
            Objective.Margin => Margin(goal),
            Objective.Houdini => logits => LogNormal.Cumulative(Margin(goal)(logits)),
            _ => CrossEntropy(goal),
        };

    /// <summary>The cross entropy with the true class, or minus that with the wanted one.</summary>
    public static Func<Tensor, Tensor> CrossEntropy(Goal goal) =>
        logits =>
        {
            Tensor logLikelihood = OfClass(logits.log_softmax(-1), goal.Labels);
            return goal.IsTargeted ? logLikelihood : -logLikelihood;
        };

    /// <summary>
    /// How far the best wrong class is above the true one, or the wanted one above the best other: positive when the
    /// goal is reached.
    /// </summary>
    public static Func<Tensor, Tensor> Margin(Goal goal) =>
        logits =>
        {
            Tensor label = OfClass(logits, goal.Labels);
            Tensor others =
                logits - zeros_like(logits).ScatterValue(1, goal.Labels.unsqueeze(1), double.PositiveInfinity);
            Tensor best = others.amax([1]);
            return goal.IsTargeted ? label - best : best - label;
        };

    /// <summary>
    /// The logarithm of the probability that the goal is reached: of the wanted class, or of all classes but the true
    /// one. Unlike the cross entropy away from a class it has an end, 0, so that it can be weighed against other terms.
    /// </summary>
    public static Func<Tensor, Tensor> LogLikelihood(Goal goal) =>
        logits =>
        {
            Tensor reached = goal.IsTargeted
                ? OfClass(logits, goal.Labels)
                : logits.ScatterValue(1, goal.Labels.unsqueeze(1), double.NegativeInfinity).logsumexp(1);
            return reached - logits.logsumexp(1);
        };

    /// <summary>The Kullback-Leibler divergence KL(p ‖ q) of q = softmax(logits) from p = softmax(clean).</summary>
    /// <param name="clean">The logits of the clean images, [N, classes].</param>
    public static Func<Tensor, Tensor> Divergence(Tensor clean) =>
        logits =>
        {
            Tensor logP = clean.log_softmax(-1);
            Tensor logQ = logits.log_softmax(-1);
            return (logP.exp() * (logP - logQ)).sum(-1);
        };

    /// <summary>
    /// DLR, the difference of logits ratio (Croce and Hein, 2020, 2003.01690): the margin in units of the distance from
    /// the first to the third logit, so that scaling the logits changes nothing. It needs three classes.
    /// </summary>
    public static Func<Tensor, Tensor> LogitRatio(Goal goal) =>
        logits =>
        {
            Tensor z = logits.sort(1, true).Values;
            return Margin(goal)(logits) / (z.select(1, 0) - z.select(1, 2) + Smallest);
        };

    /// <summary>The DLR from one class [N] to another [N]. It needs four classes.</summary>
    public static Func<Tensor, Tensor> LogitRatio(Tensor from, Tensor to) =>
        logits =>
        {
            Tensor z = logits.sort(1, true).Values;
            Tensor lower = (z.select(1, 2) + z.select(1, 3)) / 2;
            return Difference(from, to)(logits) / (z.select(1, 0) - lower + Smallest);
        };

    /// <summary>How far the logit of the second class [N] is above that of the first [N].</summary>
    public static Func<Tensor, Tensor> Difference(Tensor from, Tensor to) =>
        logits => OfClass(logits, to) - OfClass(logits, from);

    private static Tensor OfClass(Tensor values, Tensor classes) => values.gather(1, classes.unsqueeze(1)).squeeze(1);
}
