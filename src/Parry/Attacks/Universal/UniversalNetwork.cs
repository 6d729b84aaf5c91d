using Parry.Attacks.Building;
using Parry.Models;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Universal;

/// <summary>
/// UAN, universal adversarial networks (Hayes and Danezis, 2017, 1708.05207): a network learns to draw, from noise,
/// perturbations that each fool the model on most images, by the loss max(log p(label) - max log p(other), -κ), or its
/// like towards a wanted class. Linf and L2; here the perturbation drawn from one noise vector, after training on many,
/// serves all images. Running it takes no pass of the model. Noise of 100 normal numbers, Adam. Deviations: one hidden
/// layer; in Linf the outputs are ε·tanh, in L2 they are scaled to the length ε, so there is no term for the size (the
/// paper scales until the norm fits and adds α·|δ|); a targeted goal learns one network for each wanted class.
/// </summary>
public sealed record UniversalNetwork : UniversalAttack
{
    private const int Noise = 100;
    private const double Smallest = 1e-12;

    /// <inheritdoc/>
    public override string Name => "uan";

    /// <inheritdoc/>
    [Option("images", "training images it learns from", Min = 1)]
    public override int TrainingImages { get; init; } = 2000;

    /// <summary>κ: an image counts no more once the wrong logit wins by this.</summary>
    [Option("confidence", "by how much the wrong logit is to win")]
    public double Confidence { get; init; } = 5;

    /// <summary>The number of times that the network sees each training image.</summary>
    [Option("epochs", "passes over the training images", Min = 1)]
    public int Epochs { get; init; } = 20;

    /// <summary>Units of the hidden layer.</summary>
    [Option("hidden", "units of the hidden layer", Min = 1)]
    public int Hidden { get; init; } = 500;

    /// <inheritdoc/>
    protected override Tensor Learn(
        IClassifier model,
        Batch data,
        double epsilon,
        IProgress<double> progress,
        CancellationToken cancellation
    )
    {
        using var scope = NewDisposeScope();
        using nn.Module<Tensor, Tensor> network = NetworkTraining.Dense(
            Noise,
            Hidden,
            model.Shape.Pixels,
            data.Random.Seed(0)
        );
        new NetworkTraining(Epochs, BatchSize: 64, LearningRate: 1e-3).Run(
            network,
            data,
            data.Random.Seed(1),
            (batch, step) =>
            {
                Tensor perturbation = Draw(network, data.Random.Seed(2 + step), data.Images, epsilon);
                Tensor drawn = (batch.Images + perturbation).clamp(0.0, 1.0);
                Func<Tensor, Tensor> margin = AttackLoss.Margin(batch.Goal);
                LossGradient pass = model.Gradient(
                    batch.With(drawn),
                    logits => (Confidence - margin(logits)).clamp_min(0.0)
                );
                return (drawn * pass.Gradient).sum();
            },
            progress,
            cancellation
        );
        return scope.MoveToOuter(Draw(network, data.Random.Seed(1), data.Images, epsilon));
    }

    // The perturbation [1, C, H, W] that the network draws from one vector of noise.
    private Tensor Draw(nn.Module<Tensor, Tensor> network, long seed, Tensor images, double epsilon)
    {
        using var random = Devices.Generator(seed);
        Tensor output = network.forward(random.Normal(1, Noise)).reshape([1, .. images.shape.AsSpan(1)]);
        return Norm == Norm.Linf
            ? epsilon * output.tanh()
            : epsilon * output / Norm.Of(output, keepdim: true).clamp_min(Smallest);
    }
}
