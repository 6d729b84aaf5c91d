namespace Parry.Generative.Gans.Style;

/// <summary>
/// How a <see cref="StyleGanTrainer"/> trains: StyleGAN's settings (Karras, Laine, Aila, 2018, 1812.04948), small, for
/// images of at most 32x32.
/// </summary>
public sealed record StyleGan
{
    /// <summary>The channels at 16x16; 4x4 and 8x8 have twice as many, 32x32 half as many.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Length of latent vectors and of styles.</summary>
    public int Latent { get; init; } = 64;

    /// <summary>Generator steps: a fifth each for 8x8, fading in 16x16, 16x16, fading in 32x32, and 32x32.</summary>
    public int Iterations { get; init; } = 8_000;

    /// <summary>Images in a batch, a multiple of 4.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Adam's step size, for both networks; its decays are 0 and 0.99.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Weight γ of the penalty on the discriminator's gradient at real images.</summary>
    public double Penalty { get; init; } = 10;

    /// <summary>The share of batches that are drawn with two styles.</summary>
    public double Mixing { get; init; } = 0.9;

    /// <summary>The half-life of the averaged generator, in images.</summary>
    public double HalfLife { get; init; } = 10_000;

    /// <summary>Decides initial weights, order of images, latent vectors and noise.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The level that is trained at an iteration, counted from 0, and how far it is faded in.</summary>
    public (int Level, double Alpha) At(int iteration)
    {
        double fifths = Math.Min(5, 5.0 * iteration / Iterations);
        return fifths switch
        {
            < 1 => (1, 1),
            < 2 => (2, fifths - 1),
            < 3 => (2, 1),
            < 4 => (3, fifths - 3),
            _ => (3, 1),
        };
    }
}
