using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// DDN, decoupled direction and norm (Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger, 2018, 1811.09600):
/// gradient steps choose the direction of the perturbation, and its length is set apart: 1 - γ times what it was when
/// the image reaches the goal, 1 + γ times when it does not. Smallest L2, untargeted or targeted. As in the authors'
/// code: γ = 0.05, a first length of 1, steps that fall from 1 to 0.01 along a cosine, no length beyond the farthest
/// corner of the box, and a random direction for a gradient that vanishes. Deviations: steps follow the cross entropy,
/// which is the paper's loss and pushes away from the true class wherever the image is, and the margin, which knows the
/// nearest boundary, by turns; and an iterate is rounded to 256 levels only after one that reached the goal, and always
/// in the last 30 % of the steps, because the small steps that look for the goal on a robust network do not survive
/// rounding. It returns the nearest rounded iterate that reaches the goal.
/// </summary>
public sealed record DecoupledDirectionNorm : IAttack<IClassifier>
{
    private const double LastStep = 0.01;
    private const double RoundedFrom = 0.7;

    /// <inheritdoc/>
    public string Name => "ddn";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 100;

    /// <summary>γ: by what share the length changes from step to step.</summary>
    [Option("gamma", "by what share the length changes in a step")]
    public double Gamma { get; init; } = 0.05;

    /// <summary>The length of the first perturbation.</summary>
    [Option("start", "length of the first perturbation")]
    public double InitialNorm { get; init; } = 1;

    /// <summary>
    /// The loss whose gradient is followed; the paper's is the cross entropy. Null takes the cross entropy and the
    /// margin by turns: neither is the better one on every network, and by turns they find changes about as small as
    /// the better one does.
    /// </summary>
    [Option("loss", "what is raised; auto: cross entropy and margin by turns")]
    public Objective? Loss { get; init; }

    /// <summary>How many values a pixel can have in the end, 256 for images of bytes; 0 for no rounding.</summary>
    [Option("levels", "values that a pixel can have in the end; 0 for no rounding")]
    public int Levels { get; init; } = 256;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        Tensor images = batch.Images;
        using var scope = NewDisposeScope();
        var best = new BestSoFar(images);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
        Tensor point = images.clone();
        Tensor epsilon = full([batch.Count, 1, 1, 1], InitialNorm);
        Tensor farthest = Length(images.maximum(1 - images));
        Tensor isRounded = full_like(epsilon, true, ScalarType.Bool);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            Objective raised = Loss ?? (step % 2 == 0 ? Objective.CrossEntropy : Objective.Margin);
            LossGradient pass = model.Gradient(batch.With(point), AttackLoss.Of(raised, batch.Goal));
            Tensor delta = point - images;
            Tensor margins = margin(pass.Logits).reshape(-1, 1, 1, 1);

            // Between two levels nothing counts.
            best.Take(point, where(isRounded, margins, margins.clamp_max(0.0)), Length(delta));

            // The norm shrinks by γ where the goal is reached and grows by γ where not.
            Tensor reached = margins > 0;
            Tensor factor = 1 + Gamma - (2 * Gamma * reached.to(ScalarType.Float32));
            epsilon.copy_((factor * epsilon).minimum(farthest));

            // The direction follows the gradient by steps α that fall along a cosine.
            double alpha = LastStep + ((1 - LastStep) * (1 + Math.Cos(Math.PI * step / Steps)) / 2);
            Tensor direction = Direction.Unit(delta + (alpha * Direction.Along(pass.Gradient, batch.Random, step)));
            Tensor next = (images + (epsilon * direction)).clamp(0.0, 1.0);
            bool roundsAll = Levels < 2 || step >= RoundedFrom * Steps;
            isRounded.copy_(roundsAll ? ones_like(reached) : reached);
            point.copy_(where(isRounded, Quantized(next), next));
        }

        return scope.MoveToOuter(best.Images);
    }

    private static Tensor Length(Tensor change) => change.LengthPerImage(keepdim: true);

    private Tensor Quantized(Tensor points)
    {
        double largest = Levels - 1;
        return Levels < 2 ? points : (points * largest).round() / largest;
    }
}
