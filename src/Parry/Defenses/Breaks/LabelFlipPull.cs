using Parry.Attacks;
using Parry.Attacks.Steps;
using Parry.Defenses.Purifiers;
using Parry.Generative;
using Parry.Models;
using Parry.Torch;

namespace Parry.Defenses.Breaks;

/// <summary>
/// An attack on PuVAE through its choice of a label: gradient steps that pull what is drawn for a wrong label nearer to the image than what is drawn for the
/// true one, and the classifier's answer on it to the wrong side. The decoder, which is told the wrong label, does the rest. Each gradient is an average
/// over draws of the code's noise (expectation over transformation, Athalye et al., 2017, 1707.07397). In each step the wrong label is the most promising one.
/// </summary>
/// <remarks>
/// Steps are those of projected gradient descent from a random start, and the point of the largest loss is kept. It holds the purifier and the classifier
/// behind it and differentiates these copies; of the defended model it asks nothing, so that no pass is metered. No paper has this attack.
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
    public Tensor Perturb(IClassifier model, Tensor images, Goal goal, SampleRandom random) => PerturbWithin(model, images, goal, random, [Epsilon])[0];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> PerturbWithin(IClassifier model, Tensor images, Goal goal, SampleRandom random, IReadOnlyList<double> epsilons)
    {
        using var scope = new TensorScope();
        long count = images.Size(0);
        Tensor[] results = [.. epsilons.Select(epsilon =>
        {
            var parts = new List<Tensor>();
            for (int from = 0; from < count; from += RowsAtOnce)
            {
                int to = (int)Math.Min(count, from + RowsAtOnce);
                parts.Add(Climb(images.Slice(0, from, to), goal.Select(Tensor.Range(to).Slice(0, from, to)), random.For(random.Samples[from..to]), epsilon));
            }

            return Tensor.Cat([.. parts]);
        })];
        return scope.Keep(results);
    }

    private Tensor Climb(Tensor images, Goal goal, SampleRandom random, double epsilon)
    {
        using var scope = new TensorScope();
        var ball = new Ball(Norm, images, [.. Enumerable.Repeat(epsilon, (int)images.Size(0))]);
        Tensor point = ball.Draw(random), best = images.Clone(), highest = Tensor.Full([images.Size(0)], double.NegativeInfinity);
        for (int step = 0; step <= Steps; step++)
        {
            using var inner = new TensorScope();
            var (losses, gradient) = Pull(point, goal, random.Fork(step));
            best.CopyInPlace(Tensor.Where(highest.Less(losses).Reshape(-1, 1, 1, 1), point, best));
            highest.CopyInPlace(highest.Maximum(losses));
            point.CopyInPlace(ball.Project(ball.Steepest(point, gradient, random, 2 + step).Mul(2.5 * epsilon / Steps).AddInPlace(point)));
        }

        return scope.Keep(best);
    }

    // By how much the wrong label's drawing is nearer than its rival's, less what the classifier's margin on it lacks; averaged over draws, [N].
    private (Tensor Losses, Tensor Gradient) Pull(Tensor point, Goal goal, SampleRandom random)
    {
        PuVaeNetwork network = Purifier.Network;
        var (pulled, rival) = Choose(point, goal);
        using var scope = new TensorScope();
        using var follow = Autograd.WithGrad();
        long count = point.Size(0);
        Tensor input = point.Detach().RequireGrad(), labels = Tensor.Stack([pulled, rival], 1).Reshape(-1);
        GaussianCode code = network.Encode(network.Look(input).RepeatInterleave(2), labels);
        var each = new GaussianCode(code.Mean.RepeatInterleave(Draws), code.Deviation.RepeatInterleave(Draws));
        Tensor noise = random.Normal(0, 2 * Draws, network.Latent).Reshape(-1, network.Latent).Mul(Purifier.Noise);
        Tensor drawn = network.DecodeLogits(each.Draw(noise), labels.RepeatInterleave(Draws)).Sigmoid().Reshape(count, 2, Draws, point.Size(1), point.Size(2), point.Size(3));
        Tensor errors = drawn.Sub(input.Unsqueeze(1).Unsqueeze(1)).Pow(2).Mean([3, 4, 5]).Sqrt();
        Tensor margins = AttackLoss.Margin(goal.Repeat(Draws))(Classifier.Logits(drawn.Select(1, 0).Flatten(0, 1))).Reshape(count, Draws);
        Tensor losses = errors.Select(1, 1).Sub(errors.Select(1, 0)).Sub(Lack(margins)).Mean([1]);
        Tensor gradient = Autograd.Grad(losses.Sum(), input);
        return (scope.Keep(losses.Detach()), scope.Keep(gradient));
    }

    // The label to pull and the one to beat, by what is drawn from the codes' means.
    private (Tensor Pulled, Tensor Rival) Choose(Tensor point, Goal goal)
    {
        using var frozen = Autograd.NoGrad();
        using var scope = new TensorScope();
        long classes = Purifier.Network.Classes;
        Tensor drawn = Purifier.Network.Forward(point), given = goal.Labels.Unsqueeze(1);
        Tensor errors = drawn.Sub(point.RepeatInterleave(classes)).Pow(2).Mean([1, 2, 3]).Sqrt().Reshape(-1, classes);
        if (goal.IsTargeted) return (goal.Labels, scope.Keep(errors.Scatter(1, given, double.PositiveInfinity).ArgMin(1)));
        Tensor margins = AttackLoss.Margin(goal.Repeat((int)classes))(Classifier.Logits(drawn)).Reshape(-1, classes);
        return (scope.Keep(errors.Add(Lack(margins)).Scatter(1, given, double.PositiveInfinity).ArgMin(1)), goal.Labels);
    }

    private Tensor Lack(Tensor margins) => margins.SubtractedFrom(Confidence).ClampMin(0);
}
