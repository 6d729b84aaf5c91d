using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>Images and points around each of them, all of which an attack wants to lead to its goal.</summary>
/// <param name="batch">The images.</param>
/// <param name="vectors">The vectors to the points, [N, points, C, H, W]; the first of each image is zero.</param>
internal sealed class Surroundings(Batch batch, Tensor vectors)
{
    private readonly Batch _around = vectors.size(1) == 1 ? batch : batch.Repeat((int)vectors.size(1));

    /// <summary>How many points an image has, itself among them.</summary>
    public int Points => (int)vectors.size(1);

    /// <summary>The margins of the goal, from the logits of all points.</summary>
    public Func<Tensor, Tensor> Margin => AttackLoss.Margin(_around.Goal);

    /// <summary>The loss at the points around moved images [N, C, H, W].</summary>
    /// <returns>The pass over all points, N times as many as an image has, and the gradients for the moved images,
    /// [N, points, C, H, W]: points are clipped to the box, and a gradient passes where that changed nothing.</returns>
    public (LossGradient Pass, Tensor Gradients) At(IClassifier model, Tensor moved, Func<Tensor, Tensor> loss)
    {
        Tensor free = moved.unsqueeze(1) + vectors;
        Tensor shown = free.clamp(0.0, 1.0);
        LossGradient pass = model.Gradient(_around.With(shown.flatten(0, 1)), loss);
        return (pass, pass.Gradient.reshape(shown.shape) * shown.eq(free));
    }

    /// <summary>The sums over the points. Added one by one, they have the same bits in every batch.</summary>
    public Tensor Sum(Tensor gradients)
    {
        Tensor sum = gradients.select(1, 0);
        for (int i = 1; i < Points; i++)
            sum += gradients.select(1, i);
        return sum;
    }

    /// <summary>
    /// How near images are to the goal that all of their points reach it: positive where they do, and the larger the
    /// more of them do.
    /// </summary>
    /// <param name="reached">Whether each point reaches the goal, [N, points].</param>
    public Tensor Reserves(Tensor reached) => reached.sum([1], false, ScalarType.Float32) - (Points - 0.5);
}
