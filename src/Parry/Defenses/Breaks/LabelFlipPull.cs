using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses.Purifiers;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// An attack on PuVAE through its choice of a label: gradient steps that pull what is drawn for a wrong label nearer to
/// the image than what is drawn for the true one, and the classifier's answer on it to the wrong side. The decoder,
/// which is told the wrong label, does the rest. Each gradient is an average over draws of the code's noise
/// (expectation over transformation, Athalye et al., 2017, 1707.07397). In each step the wrong label is the most
/// promising one.
/// </summary>
/// <remarks>
/// Steps are those of projected gradient descent from a random start, and the point of the largest loss is kept. It
/// holds the purifier and the classifier behind it and differentiates these copies; of the defended model it asks
/// nothing, so that no pass is metered. No paper has this attack.
/// </remarks>
/// <param name="Purifier">The purifier.</param>
/// <param name="Classifier">The classifier behind it.</param>
public sealed record LabelFlipPull(PuVae Purifier, IClassifier Classifier) : IBudgetAttack<IClassifier>
{
    private const int RowsAtOnce = 32;

    /// <inheritdoc/>
    public string Name => "label-flip-pull";

    /// <summary>The norm of the budget: Linf, L2 or L1.</summary>
    public Norm Norm { get; init; } = Norm.Linf;

    /// <inheritdoc/>
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The number of steps.</summary>
    public int Steps { get; init; } = 40;

    /// <summary>Draws of the noise that a gradient is averaged over.</summary>
    public int Draws { get; init; } = 10;

    /// <summary>The margin, in logits, from where the classifier's error no longer counts.</summary>
    public double Confidence { get; init; } = 1;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon) => PerturbWithin(model, batch, [epsilon])[0];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Batch batch, IReadOnlyList<double> epsilons)
    {
        Tensor images = batch.Images;
        Goal goal = batch.Goal;
        SampleRandom random = batch.Random;
        using var scope = NewDisposeScope();
        long count = images.size(0);
        long[][] pieces = [.. Rows.All(batch.Count).Chunk(RowsAtOnce)];
        Tensor[] results =
        [
            .. epsilons.Select(epsilon => cat([.. pieces.Select(rows => Climb(batch.Select(rows), epsilon))])),
        ];
        return scope.MoveAllToOuter(results);
    }

    private Tensor Climb(Batch batch, double epsilon)
    {
        Tensor images = batch.Images;
        SampleRandom random = batch.Random;
        using var scope = NewDisposeScope();
        var ball = new Ball(Norm, images, epsilon);
        Tensor point = ball.Draw(random),
            best = images.clone(),
            highest = full([images.size(0)], double.NegativeInfinity);
        for (int step = 0; step <= Steps; step++)
        {
            using var inner = NewDisposeScope();
            var (losses, gradient) = Pull(batch, point, random.Fork(step));
            best.copy_(where(highest.lt(losses).reshape(-1, 1, 1, 1), point, best));
            highest.copy_(highest.maximum(losses));
            point.copy_(
                ball.Project(ball.Steepest(point, gradient, random, 2 + step).mul(2.5 * epsilon / Steps).add_(point))
            );
        }

        return scope.MoveToOuter(best);
    }

    // By how much the wrong label's drawing is nearer than its rival's, less what the classifier's margin on it lacks;
    // averaged over draws, [N].
    private (Tensor Losses, Tensor Gradient) Pull(Batch batch, Tensor point, SampleRandom random)
    {
        Goal goal = batch.Goal;
        PuVaeNetwork network = Purifier.Network;
        var (pulled, rival) = Choose(batch, point);
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        long count = point.size(0);
        Tensor input = point.detach().requires_grad_(),
            labels = stack([pulled, rival], 1).reshape(-1);
        GaussianCode code = network.Encode(network.Look(input).repeat_interleave(2, 0), labels);
        var each = new GaussianCode(code.Mean.repeat_interleave(Draws, 0), code.Deviation.repeat_interleave(Draws, 0));
        Tensor noise = random.Normal(0, 2 * Draws, network.Latent).reshape(-1, network.Latent).mul(Purifier.Noise);
        Tensor drawn = network
            .DecodeLogits(each.Draw(noise), labels.repeat_interleave(Draws, 0))
            .sigmoid()
            .reshape(count, 2, Draws, point.size(1), point.size(2), point.size(3));
        Tensor errors = drawn.sub(input.unsqueeze(1).unsqueeze(1)).pow(2.0).mean([3, 4, 5]).sqrt();
        Tensor margins = AttackLoss
            .Margin(goal.Repeat(Draws))(Classifier.Logits(batch.With(drawn.select(1, 0).flatten(0, 1))))
            .reshape(count, Draws);
        Tensor losses = errors.select(1, 1).sub(errors.select(1, 0)).sub(Lack(margins)).mean([1]);
        Tensor gradient = Autograd.Grad(losses.sum(), input);
        return (scope.MoveToOuter(losses.detach()), scope.MoveToOuter(gradient));
    }

    // The label to pull and the one to beat, by what is drawn from the codes' means.
    private (Tensor Pulled, Tensor Rival) Choose(Batch batch, Tensor point)
    {
        Goal goal = batch.Goal;
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        long classes = Purifier.Network.Classes;
        Tensor drawn = Purifier.Network.forward(point),
            given = goal.Labels.unsqueeze(1);
        Tensor errors = drawn
            .sub(point.repeat_interleave(classes, 0))
            .pow(2.0)
            .mean([1, 2, 3])
            .sqrt()
            .reshape(-1, classes);
        if (goal.IsTargeted)
            return (goal.Labels, scope.MoveToOuter(errors.ScatterValue(1, given, double.PositiveInfinity).argmin(1)));
        Tensor margins = AttackLoss
            .Margin(goal.Repeat((int)classes))(Classifier.Logits(batch.With(drawn)))
            .reshape(-1, classes);
        return (
            scope.MoveToOuter(errors.add(Lack(margins)).ScatterValue(1, given, double.PositiveInfinity).argmin(1)),
            goal.Labels
        );
    }

    private Tensor Lack(Tensor margins) => (Confidence - margins).clamp_min(0.0);
}
