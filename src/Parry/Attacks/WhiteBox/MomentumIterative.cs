using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Attacks.WhiteBox;

/// <summary>
/// MI-FGSM, the momentum iterative method (Dong, Liao, Pang, Su, Zhu, Hu, Li, 2017, 1710.06081): gradients of the cross
/// entropy, each divided by its own image's L1 length, add up with decay μ, and every step goes along the sign of the
/// sum. The momentum carries it over poor local maxima, and its images transfer better to other models. Linf,
/// untargeted or targeted. The paper's μ = 1, 10 steps and α = ε/steps. It returns the last iterate.
/// </summary>
/// <remarks>
/// What was published later to transfer better combines freely: DI, TI and SI change the gradient (see
/// <see cref="InputDiversity"/>, <see cref="TranslationInvariance"/> and <see cref="ScaleInvariance"/>); NI looks ahead
/// (Lin et al., 2019, 1908.06281) and VMI adds the variance of gradients (Wang and He, 2021, 2103.15571, whose VNI is
/// both). As in the authors' code, the look-ahead takes gradients in units of their mean absolute value: in units of
/// their L1 length it would hardly move. Deviation: what NI looks at is clipped to the box.
/// </remarks>
public sealed record MomentumIterative : IBudgetAttack<IClassifier>
{
    private const double Smallest = 1e-12;

    /// <inheritdoc/>
    public string Name => "mi-fgsm";

    /// <inheritdoc/>
    public GradientSteps GradientSteps => GradientSteps.Many;

    /// <inheritdoc/>
    public Norm Norm => Norm.Linf;

    /// <inheritdoc/>
    /// <remarks>DI, TI and SI are about whole images.</remarks>
    public bool TakesMask => !(DiverseInputs || TranslationInvariant || ScaleInvariant);

    /// <inheritdoc/>
    [Option("eps", "the largest change of a value")]
    public double Epsilon { get; init; } = 0.3;

    /// <summary>The number of steps.</summary>
    [Option("steps", "number of steps", Min = 1)]
    public int Steps { get; init; } = 10;

    /// <summary>The size of a step; null for ε/steps.</summary>
    [Option("step", "size of a step; auto: eps/steps")]
    public double? Step { get; init; }

    /// <summary>μ: what stays of the momentum from step to step.</summary>
    [Option("decay", "what stays of the momentum from step to step")]
    public double Decay { get; init; } = 1;

    /// <summary>DI: the model sees images of random size at random places.</summary>
    [Option("di", "show the model images of random size at random places")]
    public bool DiverseInputs { get; init; }

    /// <summary>DI's p: the chance that an image is changed so.</summary>
    [Option("di-chance", "the chance that di changes an image", Max = 1)]
    public double DiverseChance { get; init; } = 0.5;

    /// <summary>TI: gradients are blurred.</summary>
    [Option("ti", "blur gradients, as if over shifted images")]
    public bool TranslationInvariant { get; init; }

    /// <summary>The side of TI's kernel, an odd number; 7 in the papers of SI and VMI.</summary>
    /// <exception cref="UserErrorException">It is even.</exception>
    [Option("ti-size", "side of ti's kernel, an odd number", Min = 1)]
    public int KernelSize
    {
        get;
        init =>
            field =
                value % 2 == 1
                    ? value
                    : throw new UserErrorException($"expected ti-size to be an odd number, such as 15, got {value}");
    } = 15;

    /// <summary>SI: gradients are means over darker copies of the image.</summary>
    [Option("si", "average gradients over darker copies, x/2^i")]
    public bool ScaleInvariant { get; init; }

    /// <summary>SI's m: the number of copies.</summary>
    [Option("si-copies", "number of copies of si", Min = 1)]
    public int Copies { get; init; } = 5;

    /// <summary>NI: the gradient is taken where the momentum leads.</summary>
    [Option("ni", "take the gradient where the momentum leads (Nesterov)")]
    public bool Nesterov { get; init; }

    /// <summary>VMI: the variance of gradients around the last point is added.</summary>
    [Option("vmi", "add the variance of gradients around the last point")]
    public bool VarianceTuned { get; init; }

    /// <summary>VMI's N: the number of points around.</summary>
    [Option("vmi-points", "number of points that vmi takes gradients at", Min = 1)]
    public int VariancePoints { get; init; } = 20;

    /// <summary>VMI's β: how far they are, in units of the budget.</summary>
    [Option("vmi-radius", "how far these points are, in units of eps")]
    public double VarianceRadius { get; init; } = 1.5;

    /// <inheritdoc/>
    public Tensor Perturb(IClassifier model, Batch batch, double epsilon)
    {
        var ball = new Ball(Norm, batch.Images, epsilon);
        GradientAt gradientAt = Gradients(model, batch);
        double alpha = Step ?? (epsilon / Steps);
        long values = batch.Images.numel() / batch.Count;
        Tensor point = batch.Images.clone();
        Tensor g = zeros_like(point);
        Tensor variance = zeros_like(point);
        for (int step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            SampleRandom random = batch.Random.Fork(step);
            Tensor ahead = Nesterov ? (point + (alpha * Decay * values * g)).clamp(0.0, 1.0) : point;
            Tensor gradient = gradientAt(ahead, random);
            Tensor tuned = gradient + variance;
            if (VarianceTuned)
                variance.copy_(
                    GradientVariance.Of(gradientAt, point, gradient, VarianceRadius * epsilon, VariancePoints, random)
                );
            Tensor length = Norm.L1.Of(tuned, keepdim: true).clamp_min(Smallest);
            g.copy_((Decay * g) + (tuned / length));
            point.copy_(ball.Project(point + (alpha * g.sign())));
        }

        return point;
    }

    private GradientAt Gradients(IClassifier model, Batch batch)
    {
        Func<Tensor, Tensor> loss = AttackLoss.CrossEntropy(batch.Goal);
        GradientAt gradientAt = (points, _) => model.Gradient(batch.With(points), loss).Gradient;
        if (DiverseInputs)
            gradientAt = InputDiversity.Of(gradientAt, DiverseChance);
        if (ScaleInvariant)
            gradientAt = ScaleInvariance.Of(gradientAt, Copies);
        if (TranslationInvariant)
            gradientAt = TranslationInvariance.Of(gradientAt, KernelSize);
        return gradientAt;
    }
}
