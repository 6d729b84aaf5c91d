using System.Globalization;
using Parry.Attacks;
using Parry.Attacks.WhiteBox;
using Parry.Data;
using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Training;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Training;

/// <summary>
/// Trains Defense-VAE's network (Li and Ji, 2018, 1812.06570, as its code does): on pairs of an adversarial image, made
/// for the target classifier, and the clean one, by the cross entropy of pixels. FGSM and RAND+FGSM make pairs with
/// four budgets each, Carlini and Wagner's L2 attack with four learning rates.
/// </summary>
/// <remarks>
/// The code gives the divergence of codes no weight, so the network is a denoising auto-encoder with noise in its code.
/// The L2 attack of the code has one constant, 100, and takes 100 steps with learning rates of 6 to 12, which the code
/// calls budgets of 0.2 to 0.35; such steps saturate tanh at once and bound nothing. Deviation: pairs are kept with 8
/// bits a value.
/// </remarks>
public sealed record DefenseVaeTraining
{
    private static readonly (double Epsilon, double CarliniRate)[] s_strengths =
    [
        (0.2, 6),
        (0.25, 8),
        (0.3, 10),
        (0.35, 12),
    ];

    /// <summary>Maps of the first convolution.</summary>
    public int Width { get; init; } = 64;

    /// <summary>The length of a latent vector.</summary>
    public int Latent { get; init; } = 128;

    /// <summary>Weight of the divergence of codes from the prior.</summary>
    public double DivergenceWeight { get; init; }

    /// <summary>Steps of Carlini and Wagner's attack.</summary>
    public int CarliniIterations { get; init; } = 100;

    /// <summary>Passes, batches and step size.</summary>
    public TrainingSchedule Schedule { get; init; } =
        new()
        {
            Epochs = 5,
            BatchSize = 16,
            LearningRate = 5e-4,
        };

    /// <summary>Makes the adversarial images: all images in their order, once for each of the twelve attacks.</summary>
    /// <param name="images">Clean images.</param>
    /// <param name="target">The classifier to be defended.</param>
    /// <param name="progress">Receives the share that is done.</param>
    /// <param name="cancellation">Stops between attacks.</param>
    public ImageSet Attack(
        ImageSet images,
        IClassifier target,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        using var frozen = no_grad();
        var pixels = new List<byte>();
        int done = 0;
        using var scope = NewDisposeScope();
        Tensor clean = images.ImageTensor();
        var run = new AttackRun(clean, Goal.Untargeted(images.LabelTensor()), Schedule.Seed)
        {
            Epsilons = [.. s_strengths.Select(strength => strength.Epsilon)],
            Cancellation = cancellation,
        };
        Keep(AttackRunner.Run(new FastGradientSign(), target, run));
        Keep(AttackRunner.Run(new RandomFastGradientSign(), target, run));
        foreach (var (_, rate) in s_strengths)
        {
            var attack = new CarliniWagnerL2
            {
                SearchSteps = 1,
                Iterations = CarliniIterations,
                LearningRate = rate,
                InitialConstant = 100,
            };
            Keep(AttackRunner.Run(attack, target, run));
        }

        int[] labels = [.. Enumerable.Range(0, 3 * s_strengths.Length).SelectMany(_ => images.Labels.ToArray())];
        return new ImageSet($"{images.Name} under attack", images.Shape, pixels.ToArray(), labels, images.ClassNames);

        void Keep(IReadOnlyList<AttackResult> results)
        {
            foreach (AttackResult result in results)
            {
                pixels.AddRange(
                    Array.ConvertAll(result.Attempts.ToArray<float>(), value => (byte)Math.Round(value * 255))
                );
                result.Dispose();
            }

            progress?.Report(++done / (2.0 + s_strengths.Length));
        }
    }

    /// <summary>Prepares the training; the caller owns it.</summary>
    /// <param name="images">Clean images.</param>
    /// <param name="attacked">The images from <see cref="Attack"/>.</param>
    /// <param name="targetName">The name of the classifier that they were made for, for checkpoints.</param>
    /// <exception cref="UserErrorException">An option is out of range.</exception>
    public NetworkTrainer<DefenseVaeNetwork> On(ImageSet images, ImageSet attacked, string targetName)
    {
        using var random = Devices.Generator(Schedule.Seed);
        var network = new DefenseVaeNetwork(images.Shape, random, Width, Latent);
        string recipe = string.Create(
            CultureInfo.InvariantCulture,
            $"{this} on {images.Name} under attack on {targetName}"
        );
        return new NetworkTrainer<DefenseVaeNetwork>(
            Schedule,
            recipe,
            network,
            attacked.Count,
            (trained, rows) =>
            {
                GaussianCode code = trained.Encode(attacked.Batch(rows.Indices).Images);
                Tensor clean = images.Batch(Array.ConvertAll(rows.Indices, index => index % images.Count)).Images;
                Tensor drawn = trained.DecodeLogits(code.Draw(rows.Anew.Normal(0, Latent)));
                Tensor loss = Elbo.CrossEntropy(drawn, clean);
                if (DivergenceWeight > 0)
                    loss += DivergenceWeight * code.Divergence();
                return loss.sum();
            }
        );
    }
}
