using System.ComponentModel.DataAnnotations;
using Parry.Generative.Diffusion;
using Parry.Options;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Purification by diffusion, after DiffPure (Nie, Guo, Huang, Xiao, Vahdat, Anandkumar, 2022, 2205.07460): noise is
/// added to the image, in which a small perturbation drowns, and a network that knows how images look takes it away
/// again. The steps back are those of DDIM, without further noise.
/// </summary>
/// <remarks>
/// Gradients pass exactly through all steps, which all have to be remembered. An attacker who knows it rebuilds it with
/// fewer steps: the surrogate process of Lee and Kim (2023, 2303.09051), who broke with it most of what DiffPure had
/// promised. With the gradient passed as it is (BPDA) the defense looks better than it is. Its noise makes every
/// gradient random: raise <c>draws</c>.
/// </remarks>
/// <param name="Network">Tells the noise.</param>
public sealed record Diffusion(DiffusionUNet Network) : IPurifier
{
    private const int RowsAtOnce = 32;

    /// <summary>The time t up to which noise is added, from 1 to the 1,000 of the network.</summary>
    public int Time { get; init; } = 150;

    /// <summary>Steps back, from 1 to t.</summary>
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
        RowPieces.Purify(
            this,
            images,
            random,
            RowsAtOnce,
            (rows, draws) =>
            {
                int count = (int)rows.size(0);
                Tensor noised = Network.Schedule.Noised(
                    rows.mul(2.0).sub(1.0),
                    Times(Time, count),
                    draws.Normal(0, rows.shape.AsSpan(1))
                );
                Tensor clean = Network.Schedule.Denoise(
                    noised,
                    Time,
                    Steps,
                    (point, time) => Network.Predict(point, Times(time, count))
                );
                return Purified.Of(rows, clean.add(1.0).mul(0.5).clamp(0.0, 1.0));
            }
        );

    private static int[] Times(int time, int count) => [.. Enumerable.Repeat(time, count)];
}

/// <summary>The options of <see cref="Diffusion"/>.</summary>
public sealed record DiffusionSettings : IDefenseSettings
{
    /// <summary>The network's file or name; null for the one of the data's name.</summary>
    [Option("weights", "the network's file or name")]
    public string? Weights { get; init; }

    /// <summary>The time up to which noise is added.</summary>
    [Option("t", "the time up to which noise is added, of 1,000", Min = 1)]
    public int Time { get; init; } = 150;

    /// <summary>Steps back.</summary>
    [Option("steps", "steps back", Min = 1)]
    public int Steps { get; init; } = 10;

    /// <summary>The attacker's steps back; null for the defender's, at most 3.</summary>
    [Option("attack-steps", "the attacker's steps back", Min = 1)]
    public int? AttackSteps { get; init; }

    /// <summary>How the attacker's gradient passes through it.</summary>
    [Option("gradient", "exact, or identity (BPDA)")]
    [AllowedValues(GradientPath.Exact, GradientPath.Identity)]
    public GradientPath Path { get; init; } = GradientPath.Exact;

    /// <summary>Purifications over which the attacker averages a gradient.</summary>
    [Option("draws", "purifications the attacker averages a gradient over", Min = 1)]
    public int Draws { get; init; } = 1;

    /// <summary>A classifier trained on purified images, to stand behind it.</summary>
    [Option("rec", "a classifier trained on purified images, to stand behind it")]
    public string? Classifier { get; init; }

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        DiffusionUNet network = context.Network(Weights ?? $"{context.Data}/diffusion", DiffusionUNet.Load).Network;
        int attackSteps = AttackSteps ?? Math.Min(Steps, 3);
        int most = Math.Max(Steps, attackSteps);
        if (Time > network.Schedule.Times)
            throw new UserErrorException(
                $"the defense diffusion takes for t a time from 1 to {network.Schedule.Times}, got {Time}"
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
            Draws = Draws,
            Classifier = Classifier is null ? null : context.Classifier(Classifier),
        };
    }
}
