using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Defenses.Purifiers;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// An attack on PuVAE through its choice of a label. Gradient steps make the reconstruction for a wrong label nearer to
/// the image than that for the true label, and make the classifier misclassify it; the decoder, which is told the wrong
/// label, does the rest. Each gradient is an average over draws of the code's noise (expectation over transformation,
/// Athalye et al., 2017, 1707.07397). In each step the wrong label is the most promising one.
/// </summary>
/// <remarks>
/// Steps are those of projected gradient descent from a random start, and the point with the largest loss is kept. The
/// attack has copies of the purifier and of the classifier behind it, and differentiates these; it asks the defended
/// model nothing, so no pass is metered. It is Parry's own; no paper describes it.
/// </remarks>
/// <param name="Purifier">The purifier.</param>
/// <param name="Classifier">The classifier behind it.</param>
public sealed record LabelFlipPull(PuVae Purifier, IClassifier Classifier) : IBudgetAttack<IClassifier>
{
    /// <summary>The attack as evaluations run it on PuVAE.</summary>
    public static KnownBreak Known { get; } =
        new(
            "label-flip-pull",
            (defense, classifier) => new LabelFlipPull((PuVae)defense.AttackersCopy, classifier) { Draws = 3 }
        );

    private const int RowsAtOnce = 32;

    /// <inheritdoc/>
    public string Name => "label-flip-pull";

    /// <summary>The norm of the budget: Linf, L2 or L1.</summary>
    public Norm Norm { get; init; } = Norm.Linf;

    /// <inheritdoc/>
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The number of steps.</summary>
    public int Steps { get; init; } = 40;

    /// <summary>Draws of the noise over which a gradient is averaged.</summary>
    public int Draws { get; init; } = 10;

    /// <summary>The margin, in logits, beyond which the classifier's error no longer counts.</summary>
    public double Confidence { get; init; } = 1;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        IEnumerable<long[]> pieces = Rows.All(batch.Count).Chunk(RowsAtOnce);
        return scope.MoveToOuter(cat([.. pieces.Select(rows => Climb(batch.Select(rows), epsilon))]));
    }

    private Tensor Climb(Batch batch, double epsilon)
    {
        using var scope = NewDisposeScope();
        SampleRandom random = batch.Random;
        var ball = new Ball(Norm, batch.Images, epsilon);
        double stepSize = 2.5 * epsilon / Steps;
        Tensor point = ball.Draw(random);
        Tensor best = batch.Images.clone();
        Tensor highest = full([batch.Count], double.NegativeInfinity);
        for (int step = 0; step <= Steps; step++)
        {
            using var inner = NewDisposeScope();
            var (losses, gradient) = Loss(batch, point, random.Fork(step));
            best.copy_(where((losses > highest).reshape(-1, 1, 1, 1), point, best));
            highest.copy_(highest.maximum(losses));
            Tensor direction = ball.Steepest(point, gradient, random, 2 + step);
            point.copy_(ball.Project(point + (stepSize * direction)));
        }

        return scope.MoveToOuter(best);
    }

    // RMSE of the label to beat - RMSE of the label to pull - max(0, κ - margin of the pulled reconstruction), averaged
    // over draws, [N].
    private (Tensor Losses, Tensor Gradient) Loss(Batch batch, Tensor point, SampleRandom random)
    {
        var (pulled, rival) = ChooseLabels(batch, point);
        using var scope = NewDisposeScope();
        using var follow = enable_grad();
        PuVaeNetwork network = Purifier.Network;
        Tensor input = point.detach().requires_grad_();
        Tensor labels = stack([pulled, rival], 1).flatten();
        GaussianCode code = network.Encode(network.Features(input).repeat_interleave(2, 0), labels);

        // Every code is drawn several times.
        Tensor mean = code.Mean.repeat_interleave(Draws, 0);
        Tensor deviation = code.Deviation.repeat_interleave(Draws, 0);
        Tensor noise = Purifier.Noise * random.Normal(0, 2 * Draws, network.Latent).flatten(0, 1);
        Tensor codes = new GaussianCode(mean, deviation).Draw(noise);
        Tensor decoded = network.DecodeLogits(codes, labels.repeat_interleave(Draws, 0)).sigmoid();
        Tensor reconstructions = decoded.reshape([batch.Count, 2, Draws, .. point.shape[1..]]);

        Tensor errors = (reconstructions - input.unsqueeze(1).unsqueeze(1)).pow(2).mean([3, 4, 5]).sqrt();
        Tensor logits = Classifier.Logits(batch.With(reconstructions.select(1, 0).flatten(0, 1)));
        Tensor margins = AttackLoss.Margin(batch.Goal.Repeat(Draws))(logits).reshape(-1, Draws);
        Tensor losses = (errors.select(1, 1) - errors.select(1, 0) - Lack(margins)).mean([1]);
        Tensor gradient = Autograd.Grad(losses.sum(), input);
        return scope.MoveToOuter(losses.detach(), gradient);
    }

    // The label to pull and the label to beat, judged by the reconstructions from the codes' means.
    private (Tensor Pulled, Tensor Rival) ChooseLabels(Batch batch, Tensor point)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Goal goal = batch.Goal;
        int classes = Purifier.Network.Classes;
        Tensor reconstructions = Purifier.Network.forward(point);
        Tensor targets = point.repeat_interleave(classes, 0);
        Tensor errors = (reconstructions - targets).pow(2).MeanPerImage().sqrt().reshape(-1, classes);
        if (goal.IsTargeted)
            return (goal.Labels, scope.MoveToOuter(BestOther(errors)));
        Tensor logits = Classifier.Logits(batch.With(reconstructions));
        Tensor margins = AttackLoss.Margin(goal.Repeat(classes))(logits).reshape(-1, classes);
        return (scope.MoveToOuter(BestOther(errors + Lack(margins))), goal.Labels);

        // The label with the smallest cost among all but the goal's.
        Tensor BestOther(Tensor costs) =>
            costs.ScatterValue(1, goal.Labels.unsqueeze(1), double.PositiveInfinity).argmin(1);
    }

    private Tensor Lack(Tensor margins) => (Confidence - margins).clamp_min(0);
}
