namespace Parry.Generative.Gans;

/// <summary>
/// The settings of a <see cref="GanFamilyTrainer"/>. <see cref="Of"/> gives those of the papers and of Keras-GAN.
/// </summary>
public sealed record GanRecipe
{
    /// <summary>Which networks and which loss.</summary>
    public required GanKind Kind { get; init; }

    /// <summary>What both networks minimize.</summary>
    public required GanLoss Loss { get; init; }

    /// <summary>Scales the channels of all layers; 64 gives the published networks.</summary>
    public int Width { get; init; } = 64;

    /// <summary>The length of a latent vector, whose elements are standard normal.</summary>
    public int Latent { get; init; } = 100;

    /// <summary>Generator steps.</summary>
    public int Iterations { get; init; } = 4_000;

    /// <summary>Discriminator steps before each generator step.</summary>
    public int DiscriminatorSteps { get; init; } = 1;

    /// <summary>The number of real images in a batch, and of drawn ones.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>The generator's step size.</summary>
    public double GeneratorRate { get; init; } = 2e-4;

    /// <summary>The discriminator's step size.</summary>
    public double DiscriminatorRate { get; init; } = 2e-4;

    /// <summary>Adam's decays; null stands for RMSProp.</summary>
    public (double First, double Second)? Adam { get; init; } = (0.5, 0.999);

    /// <summary>The bound to which the discriminator's weights are clipped after each step; null for none.</summary>
    public double? Clip { get; init; }

    /// <summary>Decides initial weights, order of images, latent vectors and dropout.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>
    /// The settings of a kind. Those of GAN, DCGAN, WGAN and LSGAN are Keras-GAN's, but with a whole batch each of real
    /// and of drawn images.
    /// </summary>
    public static GanRecipe Of(GanKind kind) =>
        kind switch
        {
            GanKind.Gan => new()
            {
                Kind = kind,
                Loss = GanLoss.NonSaturating,
                Iterations = 30_000,
            },
            GanKind.Wgan => new()
            {
                Kind = kind,
                Loss = GanLoss.Wasserstein,
                GeneratorRate = 5e-5,
                DiscriminatorRate = 5e-5,
                Adam = null,
                Clip = 0.01,
                DiscriminatorSteps = 5,
            },
            GanKind.Lsgan => new() { Kind = kind, Loss = GanLoss.LeastSquares },
            GanKind.Hinge => new()
            {
                Kind = kind,
                Loss = GanLoss.Hinge,
                Latent = 128,
                BatchSize = 50,
                Iterations = 20_000,
                GeneratorRate = 1e-4,
                DiscriminatorRate = 4e-4,
                Adam = (0.5, 0.9),
            },
            _ => new() { Kind = kind, Loss = GanLoss.NonSaturating },
        };
}
