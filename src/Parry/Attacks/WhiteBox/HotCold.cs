using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// Hot/Cold (Rozsa, Rudd, Boult, 2016, 1605.01775): one backward pass from the logits, with the hot class's logit
/// turned on, |h(x)|, and the cold class's, the present one, turned off, −|h(x)|, all others zero, gives a direction in
/// the image; a line search finds the shortest way along it that reaches the goal. Minimum L2 norm, one gradient for
/// each hot class. Untargeted, the likeliest 9 wrong classes are hot in turn and the nearest image is kept; targeted,
/// the wanted class. Deviations: the search goes over 20 lengths, each 1.5 times the one before, then halves 10 times,
/// where the paper names no numbers; images are clipped to the box.
/// </summary>
public sealed record HotCold : IAttack<IClassifier>
{
    private const int Lengths = 20;
    private const int Halvings = 10;
    private const double Growth = 1.5;

    /// <inheritdoc/>
    public string Name => "hot-cold";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>How many wrong classes are tried.</summary>
    [Option("targets", "wrong classes that are tried, the likeliest first", Min = 1)]
    public int Targets { get; init; } = 9;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        long[][] targets = RankedClasses.Targets(model, batch, Targets);
        int each = targets[0].Length;
        Batch copies = batch.Repeat(each);
        Tensor hot = tensor(targets.SelectMany(classes => classes).ToArray());
        LossGradient pass = model.Gradient(copies.With(copies.Images), logits => Heat(logits, copies.Goal, hot));
        Tensor direction = Direction.Unit(pass.Gradient);

        // The longest way that may make sense crosses the box; the first lengths are far below.
        double[] low = new double[copies.Count];
        double[] high = [.. low.Select(_ => double.PositiveInfinity)];
        double longest = Math.Sqrt(images.numel() / images.size(0));
        for (int i = Lengths - 1; i >= 0; i--)
            Try([.. high.Select(_ => longest / Math.Pow(Growth, i))]);
        for (int i = 0; i < Halvings; i++)
            Try([.. high.Select((length, row) => double.IsFinite(length) ? (low[row] + length) / 2 : longest)]);

        // Of each image the hot class that comes nearest.
        Tensor found = Along([.. high.Select(length => double.IsFinite(length) ? length : longest)]);
        Tensor distances = Norm.Of(found - copies.Images)
            .masked_fill(tensor(high.Select(double.IsPositiveInfinity).ToArray()), double.PositiveInfinity);
        long[] nearest = distances.reshape(-1, each).argmin(1).ToArray<long>();
        return scope.MoveToOuter(found.At([.. nearest.Select((hotClass, row) => (row * each) + hotClass)]));

        Tensor Along(double[] lengths) => (copies.Images + (Rows.Column(lengths) * direction)).clamp(0.0, 1.0);

        void Try(double[] lengths)
        {
            using var inner = NewDisposeScope();
            bool[] hit = copies.Goal.IsReached(model.Predict(copies.With(Along(lengths)))).ToArray<bool>();
            for (int row = 0; row < hit.Length; row++)
            {
                if (hit[row])
                    high[row] = Math.Min(high[row], lengths[row]);
                else if (lengths[row] < high[row])
                    low[row] = Math.Max(low[row], lengths[row]);
            }
        }
    }

    // Its gradient is that of the logits with the weights |h| for the hot class and −|h| for the cold one.
    private static Tensor Heat(Tensor logits, Goal goal, Tensor hot)
    {
        Tensor cold = goal.IsTargeted ? logits.detach().argmax(1) : goal.Labels;
        Tensor on = logits.gather(1, hot.unsqueeze(1));
        Tensor off = logits.gather(1, cold.unsqueeze(1));
        return ((on.detach().abs() * on) - (off.detach().abs() * off)).squeeze(1);
    }
}
