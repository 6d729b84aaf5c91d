using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Torch;

namespace Parry.Attacks.Universal;

/// <summary>
/// DeepFool (Moosavi-Dezfooli, Fawzi, Frossard, 2015, 1511.04599) as a step of other attacks: the small perturbation that takes each image of a batch across
/// the boundary that is nearest when logits are taken as linear.
/// </summary>
internal static class NearestBoundary
{
    private const double Smallest = 1e-8, Beyond = 1e-4;

    /// <summary>The perturbations [N, C, H, W] that reach the goal, or get as far as the steps do.</summary>
    /// <param name="batch">Images that do not reach the goal.</param>
    /// <param name="norm">In which the boundary is nearest: L2 or Linf.</param>
    /// <param name="steps">The most linearizations.</param>
    /// <param name="overshoot">By which share the way is lengthened.</param>
    public static Tensor Cross(AttackBatch<IClassifier> batch, Norm norm, int steps, double overshoot)
    {
        using var scope = new TensorScope();
        Tensor whole = batch.Images.ZerosLike();
        long[] rows = Rows.All(batch.Count);
        AttackBatch<IClassifier> rest = batch;
        for (int step = 0; step < steps && rows.Length > 0; step++)
        {
            Tensor way = whole.At(rows), point = rest.Images.Add(way.Mul(1 + overshoot)).ClampInPlace(0, 1);
            bool[] reached = step == 0 ? new bool[rows.Length] : rest.Goal.IsReached(rest.Model.Predict(point)).ToArray<bool>();
            if (reached.Contains(true))
            {
                long[] stay = Rows.Where(reached, false);
                if (stay.Length == 0) break;
                (rest, rows, way, point) = (rest.Select(stay), rows.At(stay), way.At(stay), point.At(stay));
            }

            whole.Put(rows, way.Add(Linear(rest, point, norm)));
        }

        return scope.Keep(whole.MulInPlace(1 + overshoot));
    }

    // The way to the nearest of the boundaries, were logits linear: between the label and every other class, or from the prediction to the wanted class.
    private static Tensor Linear(AttackBatch<IClassifier> batch, Tensor points, Norm norm)
    {
        using var scope = new TensorScope();
        int classes = batch.Model.Classes, count = batch.Count;
        AttackBatch<IClassifier> copies = batch.Repeat(classes);
        Tensor each = Tensor.Range(classes).Repeat(count).Unsqueeze(1);
        LossGradient pass = copies.Model.Gradient(points.RepeatInterleave(classes), logits => logits.Gather(1, each).Squeeze(1));
        Tensor gradients = pass.Gradient.Reshape(count, classes, -1), logits = pass.Losses.Reshape(count, classes), labels = batch.Goal.Labels.Unsqueeze(1);
        Tensor normals = gradients.Sub(Of(gradients, labels)), gaps = logits.Sub(logits.Gather(1, labels)).Abs();
        Tensor lengths = (norm == Norm.Linf ? normals.Abs().Sum([2]) : normals.Norm(2, [2])).ClampMin(Smallest);
        Tensor distances = gaps.Add(Beyond).Div(lengths);

        // Towards a wanted class only one boundary counts, that with the class predicted now.
        Tensor chosen = batch.Goal.IsTargeted ? logits.ArgMax(1, keep: true) : distances.Scatter(1, labels, double.PositiveInfinity).ArgMin(1, keep: true);
        Tensor normal = Of(normals, chosen), distance = distances.Gather(1, chosen).Unsqueeze(2), length = lengths.Gather(1, chosen).Unsqueeze(2);
        Tensor way = norm == Norm.Linf ? normal.Sign().Mul(distance) : normal.Mul(distance.Div(length));
        return scope.Keep((batch.Goal.IsTargeted ? way.Neg() : way).Reshape(points.Shape));
    }

    // For each image the vector of one class, [N, 1, P], out of those of all classes [N, classes, P].
    private static Tensor Of(Tensor vectors, Tensor classes) => vectors.Gather(1, classes.Unsqueeze(2).Expand(vectors.Size(0), 1, vectors.Size(2)));
}
