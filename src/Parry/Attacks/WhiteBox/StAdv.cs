using Parry.Attacks.Building;
using Parry.Models;
using Parry.Models.Training;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// stAdv (Xiao, Zhu, Li, He, Liu, Song, 2018, 1801.02612): it moves pixels in place of changing their values. A flow
/// field says for each pixel where in the image it is read from, between pixels bilinearly; the flow minimizes max(κ −
/// margin, 0) + τ·roughness, the sum over neighbors of how differently they move. Of each image the adversarial one of
/// the smoothest flow is kept. κ = 0; away from the true class or towards the wanted one. There is no budget, and no
/// norm of pixels is minimized: reports show L2, since moving an edge by a fraction of a pixel already changes Linf as
/// far as it goes. Deviations: Adam in place of L-BFGS with line search, and τ = 0.005, since with the paper's 0.05
/// Adam leaves most flows at rest.
/// </summary>
public sealed record StAdv : IAttack<IClassifier>
{
    private const double Smallest = 1e-8;
    private static readonly int[] s_sides = [3, 2];
    private static readonly long[] s_vector = [1];

    /// <inheritdoc/>
    public string Name => "stadv";

    /// <inheritdoc/>
    public Norm Norm => Norm.L2;

    /// <inheritdoc/>
    /// <remarks>Its pixels move within the whole image.</remarks>
    public bool TakesMask => false;

    /// <summary>τ: how much the roughness of the flow weighs.</summary>
    [Option("tau", "weight of the flow's roughness")]
    public double Tau { get; init; } = 0.005;

    /// <summary>κ: by how much the wrong logit must exceed the others.</summary>
    [Option("confidence", "by how much the wrong logit must win")]
    public double Confidence { get; init; }

    /// <summary>The number of Adam's steps.</summary>
    [Option("iterations", "steps of Adam", Min = 1)]
    public int Iterations { get; init; } = 300;

    /// <summary>Adam's learning rate, in pixels.</summary>
    [Option("lr", "Adam's learning rate, in pixels")]
    public double LearningRate { get; init; } = 0.02;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch)
    {
        using var scope = NewDisposeScope();
        Tensor images = batch.Images;
        var (height, width) = (images.size(2), images.size(3));
        Tensor centers = Centers(height, width);
        Tensor pixel = tensor(new float[] { 2f / width, 2f / height }, [1, 2, 1, 1]);
        Tensor flow = zeros([batch.Count, 2, height, width]);
        var smoothest = new BestSoFar(images);
        Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
        using var adam = Optimizers.Adam([flow], LearningRate);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            using var inner = NewDisposeScope();
            Tensor points = (centers + (pixel * flow)).permute(0, 2, 3, 1).requires_grad_();
            Tensor sampled = Sample(images, points);
            Tensor moved = sampled.detach().clamp(0.0, 1.0);
            LossGradient pass = model.Gradient(
                batch.With(moved),
                logits => (Confidence - margin(logits)).clamp_min(0.0)
            );
            var (roughness, smoother) = Roughness(flow);
            smoothest.Take(moved, margin(pass.Logits) - Confidence, roughness);
            Tensor byPoints = Autograd.Grad(sampled, points, pass.Gradient);
            Tensor byFlow = pixel * byPoints.permute(0, 3, 1, 2).contiguous();
            adam.Step(byFlow + (Tau * smoother));
        }

        return scope.MoveToOuter(smoothest.Images);
    }

    private static Tensor Sample(Tensor images, Tensor points)
    {
        using var record = enable_grad();
        return nn.functional.grid_sample(images, points, GridSampleMode.Bilinear, GridSamplePaddingMode.Border, false);
    }

    // Where pixels are, as x and y in a square from -1 to 1, [1, 2, H, W].
    private static Tensor Centers(long height, long width)
    {
        Tensor x = Line(width).reshape(1, 1, -1).expand(1, height, width);
        Tensor y = Line(height).reshape(1, -1, 1).expand(1, height, width);
        return stack([x, y], 1);

        static Tensor Line(long count) => (arange(count, ScalarType.Int64) * (2.0 / count)) + ((1.0 / count) - 1);
    }

    // The sum over pixels and their four neighbors of the distance between their flows [N, 2, H, W], [N, 1, 1, 1], and
    // its gradient.
    private static (Tensor Sum, Tensor Gradient) Roughness(Tensor flow)
    {
        Tensor sum = zeros([flow.size(0), 1, 1, 1]);
        Tensor gradient = zeros_like(flow);
        foreach (int dimension in s_sides)
        {
            long size = flow.size(dimension);
            Tensor change = flow.slice(dimension, 1, size, 1) - flow.slice(dimension, 0, size - 1, 1);
            Tensor length = ((change * change).sum(s_vector, true) + Smallest).sqrt();
            Tensor direction = change / length;
            sum.add_(length.SumPerImage(keepdim: true));
            gradient.slice(dimension, 1, size, 1).add_(direction);
            gradient.slice(dimension, 0, size - 1, 1).sub_(direction);
        }

        return (2 * sum, 2 * gradient);
    }
}
