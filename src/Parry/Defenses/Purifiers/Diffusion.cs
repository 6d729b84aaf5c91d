using System.ComponentModel.DataAnnotations;
using Parry.Generative.Diffusion;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Purification by diffusion, after DiffPure (Nie, Guo, Huang, Xiao, Vahdat, Anandkumar, 2022, 2205.07460): adds so
/// much noise to an image that a small perturbation drowns in it, and lets a diffusion network remove the noise. It
/// goes back by the steps of DDIM, which add no noise of their own.
/// </summary>
/// <remarks>
/// Gradients pass exactly through all steps, which costs memory for each. The attacker who knows the defense therefore
/// rebuilds it with fewer steps: the surrogate process with which Lee and Kim (2023, 2303.09051) broke most of what
/// DiffPure had promised. With BPDA instead, the defense looks better than it is. Its noise makes every gradient
/// random, so raise <c>draws</c>.
/// </remarks>
/// <param name="Network">Predicts the noise in an image.</param>
public sealed record Diffusion(DiffusionUNet Network) : IPurifier
{
    private const int RowsAtOnce = 32;

    /// <summary>t: up to which time noise is added, from 1 to the network's last time, 1,000.</summary>
    public int Time { get; init; } = 150;

    /// <summary>Denoising steps from t back to 0, from 1 to t.</summary>
    public int Steps { get; init; } = 10;

    /// <inheritdoc/>
    public GradientPath Path { get; init; } = GradientPath.Exact;

    /// <inheritdoc/>
    public string Name => "diffusion";

    /// <inheritdoc/>
    public ImageShape Shape => Network.Shape;

    /// <inheritdoc/>
    public bool IsRandom => true;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random) =>
        this.PurifyInPieces(images, random, RowsAtOnce, Denoised);

    private Tensor Denoised(Tensor images, SampleRandom random)
    {
        int count = (int)images.size(0);
        NoiseSchedule schedule = Network.Schedule;
        Tensor x0 = (2 * images) - 1;
        Tensor noise = random.Normal(0, images.shape.AsSpan(1));
        Tensor xt = schedule.Noised(x0, Times(Time), noise);
        Tensor clean = schedule.Denoise(xt, Time, Steps, (point, time) => Network.Predict(point, Times(time)));
        return ((clean + 1) * 0.5).clamp(0, 1);

        int[] Times(int time) => [.. Enumerable.Repeat(time, count)];
    }
}

/// <summary>The options of <see cref="Diffusion"/>.</summary>
public sealed record DiffusionSettings : IDefenseSettings
{
    /// <summary>The network's file or name; null for the one named after the data set.</summary>
    [Option("weights", "the network's file or name")]
    public string? Weights { get; init; }

    /// <summary>The time up to which noise is added.</summary>
    [Option("t", "the time up to which noise is added, of 1,000", Min = 1)]
    public int Time { get; init; } = 150;

    /// <summary>Denoising steps.</summary>
    [Option("steps", "steps back", Min = 1)]
    public int Steps { get; init; } = 10;

    /// <summary>The attacker's denoising steps; null for the defender's, at most 3.</summary>
    [Option("attack-steps", "the attacker's steps back", Min = 1)]
    public int? AttackSteps { get; init; }

    /// <summary>How the attacker's gradient passes through it.</summary>
    [Option("gradient", "exact, or identity (BPDA)")]
    [AllowedValues(GradientPath.Exact, GradientPath.Identity)]
    public GradientPath Path { get; init; } = GradientPath.Exact;

    /// <summary>Purifications over which the attacker averages a gradient.</summary>
    [Option("draws", "purifications the attacker averages a gradient over", Min = 1)]
    public int Draws { get; init; } = 1;

    /// <summary>A classifier trained on purified images, which stands behind it.</summary>
    [Option("rec", "a classifier trained on purified images, which stands behind it")]
    public string? Classifier { get; init; }

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        DiffusionUNet network = context.Network(Weights ?? $"{context.Data}/diffusion", DiffusionUNet.Load).Network;
        int attackSteps = AttackSteps ?? Math.Min(Steps, 3);
        int most = Math.Max(Steps, attackSteps);
        if (Time > network.Schedule.Times)
            throw new UserErrorException(
                $"the defense diffusion takes a time t from 1 to {network.Schedule.Times}, got {Time}"
            );
        if (most > Time)
            throw new UserErrorException(
                $"the defense diffusion takes at most as many steps as t, got {most} for t={Time}"
            );
        var purifier = new Diffusion(network)
        {
            Time = Time,
            Steps = Steps,
            Path = Path,
        };
        return new DefenseSpec
        {
            Name = purifier.Name,
            Purifier = purifier,
            AttackersPurifier = purifier with { Steps = attackSteps },
            WeakerCopy = DefenseSpec.Weaker((attackSteps, Steps, "steps")),
            Draws = Draws,
            Classifier = Classifier is null ? null : context.Classifier(Classifier),
        };
    }
}
