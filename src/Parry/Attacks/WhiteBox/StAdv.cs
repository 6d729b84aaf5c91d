using Parry.Attacks.Catalog;
using Parry.Attacks.Steps;
using Parry.Models;
using Parry.Torch;
using Parry.Torch.Optim;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// stAdv (Xiao, Zhu, Li, He, Liu, Song, 2018, 1801.02612): it moves pixels in place of changing their values. A flow field says for each pixel where in the image it
/// is read from, between pixels bilinearly; the flow minimizes max(κ − margin, 0) + τ·roughness, the sum over neighbors of how differently they move. Of each image the
/// adversarial one of the smoothest flow is kept. κ = 0; away from the true class or towards the wanted one. There is no budget, and no norm of pixels is
/// minimized: reports show L2, since moving an edge by a fraction of a pixel already changes Linf as far as it goes. Deviations: Adam
/// in place of L-BFGS with line search, and τ = 0.005, since with the paper's 0.05 Adam leaves most flows at rest.
/// </summary>
public sealed record StAdv : IAttack<IClassifier>
{
    private const double Smallest = 1e-8;
    private static readonly int[] s_sides = [3, 2];
    private static readonly long[] s_vector = [1], s_image = [1, 2, 3];

    /// <inheritdoc/>
    public string Name => "stadv";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <summary>τ: how much the roughness of the flow weighs.</summary>
    public double Tau { get; init; } = 0.005;

    /// <summary>κ: by how much the wrong logit must exceed the others.</summary>
    public double Confidence { get; init; }

    /// <summary>The number of Adam's steps.</summary>
    public int Iterations { get; init; } = 300;

    /// <summary>Adam's learning rate, in pixels.</summary>
    public double LearningRate { get; init; } = 0.02;

    /// <summary>What the command line knows of it.</summary>
    public static AttackEntry Entry { get; } = new AttackEntry<StAdv>(new(), "a smooth flow that moves pixels", "Xiao et al., 2018, 1801.02612")
        .Number("tau", 0, "weight of the flow's roughness", attack => attack.Tau, (attack, value) => attack with { Tau = value })
        .Number("confidence", 0, "by how much the wrong logit must win", attack => attack.Confidence, (attack, value) => attack with { Confidence = value })
        .Whole("iterations", 1, "steps of Adam", attack => attack.Iterations, (attack, value) => attack with { Iterations = value })
        .Number("lr", 0, "Adam's learning rate, in pixels", attack => attack.LearningRate, (attack, value) => attack with { LearningRate = value });

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Tensor images, Goal goal, SampleRandom random)
    {
        using var scope = new TensorScope();
        long count = images.Size(0), height = images.Size(2), width = images.Size(3);
        Tensor still = Centers(height, width), unit = Tensor.From<float>([2f / width, 2f / height], 1, 2, 1, 1), flow = Tensor.Zeros([count, 2, height, width]);
        var smoothest = new Closest(images);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(goal);
        using var adam = new Adam([flow], LearningRate);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            using var inner = new TensorScope();
            Tensor points = flow.Mul(unit).AddInPlace(still).Permute(0, 2, 3, 1), moved = images.GridSample(points).ClampInPlace(0, 1);
            LossGradient pass = model.Gradient(moved, logits => margin(logits).SubtractedFrom(Confidence).ClampMin(0));
            var (roughness, smoother) = Roughness(flow);
            smoothest.Take(moved, roughness, margin(pass.Logits).Greater(Confidence).Reshape(-1, 1, 1, 1));
            adam.Step(pass.Gradient.ThroughGridSample(images, points).Permute(0, 3, 1, 2).Contiguous().MulInPlace(unit).AddInPlace(smoother, Tau));
        }

        return scope.Keep(smoothest.Images);
    }

    /// <inheritdoc/>
    public override string ToString() => Entry.Describe(this);

    // Where pixels are, as x and y in a square from -1 to 1, [1, 2, H, W].
    private static Tensor Centers(long height, long width)
    {
        static Tensor Line(long count) => Tensor.Range(count).Mul(2.0 / count).Add((1.0 / count) - 1);
        return Tensor.Stack([Line(width).Reshape(1, 1, -1).Expand(1, height, width), Line(height).Reshape(1, -1, 1).Expand(1, height, width)], 1);
    }

    // The sum over pixels and their four neighbors of the distance between their flows [N, 2, H, W], [N, 1, 1, 1], and its gradient.
    private static (Tensor Sum, Tensor Gradient) Roughness(Tensor flow)
    {
        Tensor sum = Tensor.Zeros([flow.Size(0), 1, 1, 1]), gradient = flow.ZerosLike();
        foreach (int dimension in s_sides)
        {
            long size = flow.Size(dimension);
            Tensor change = flow.Slice(dimension, 1, size).Sub(flow.Slice(dimension, 0, size - 1));
            Tensor length = change.Mul(change).Sum(s_vector, keep: true).AddInPlace(Smallest).Sqrt(), way = change.Div(length);
            sum.AddInPlace(length.Sum(s_image, keep: true));
            gradient.Slice(dimension, 1, size).AddInPlace(way);
            gradient.Slice(dimension, 0, size - 1).AddInPlace(way, -1);
        }

        return (sum.MulInPlace(2), gradient.MulInPlace(2));
    }
}
