using Parry.Generative;
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

    /// <summary>What the command line knows of it.</summary>
    public static DefenseEntry Entry { get; } =
        new(
            "diffusion",
            "drowns perturbations in noise and takes the noise away again",
            "after Nie et al., 2022, 2205.07460",
            [
                new("weights", "the network's file or name"),
                new("t", "the time up to which noise is added, of 1,000"),
                new("steps", "steps back"),
                new("attack-steps", "the attacker's steps back"),
                new("gradient", "exact, or identity (BPDA)"),
                new("draws", "purifications the attacker averages a gradient over"),
                new("rec", "a classifier trained on purified images, to stand behind it"),
            ],
            (options, context) =>
            {
                var paper = new Diffusion(
                    context.Network(options.Text("weights") ?? $"{context.Data}/diffusion", DiffusionUNet.Load).Network
                );
                int time = options.Whole("t", paper.Time),
                    steps = options.Whole("steps", paper.Steps),
                    attackSteps = options.Whole("attack-steps", Math.Min(steps, 3));
                if (time > paper.Network.Schedule.Times)
                    throw new UserErrorException(
                        $"the defense diffusion takes for t a time from 1 to {paper.Network.Schedule.Times}, got {time}"
                    );
                if (Math.Max(steps, attackSteps) > time)
                    throw new UserErrorException(
                        $"the defense diffusion takes at most as many steps as t, got "
                            + $"{Math.Max(steps, attackSteps)} for t={time}"
                    );
                Diffusion purifier = paper with
                {
                    Time = time,
                    Steps = steps,
                    Path = options.Choice(
                        "gradient",
                        ("exact", GradientPath.Exact),
                        ("identity", GradientPath.Identity)
                    ),
                };
                return new DefenseSpec
                {
                    Name = purifier.Name,
                    Purifier = purifier,
                    AttackersPurifier = purifier with { Steps = attackSteps },
                    Draws = options.Whole("draws", 1),
                    Classifier = options.Text("rec") is { } rec ? context.Classifier(rec) : null,
                };
            }
        );

    /// <inheritdoc/>
    public string Name => Entry.Name;

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
