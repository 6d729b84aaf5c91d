using Parry.Generative.AutoEncoders;
using Parry.Generative.Gans;
using Parry.Models.Architectures;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Quality;

/// <summary>
/// Draws images with any generator, in evaluation mode: in training mode, batch normalization would make the images of
/// a batch depend on each other.
/// </summary>
public static class GeneratorSamples
{
    private const int RowsAtOnce = 250;

    /// <summary>
    /// Draws images from the standard normal prior, in pieces on the workers. A sample depends neither on their number
    /// nor on the count.
    /// </summary>
    /// <param name="generator">From latent vectors [N, latent], followed by one number per class if it is conditional,
    /// to images in [0, 1]; or a variational auto-encoder, whose decoder does this.</param>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="latent">Length of the latent vector.</param>
    /// <param name="classes">The number of classes of a conditional generator, which are drawn in turn; 0 for
    /// others.</param>
    /// <param name="count">The number of images.</param>
    /// <param name="seed">Decides the latent vectors.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <returns>Images [count, C, H, W] in [0, 1], float32.</returns>
    public static Tensor Draw(
        nn.Module<Tensor, Tensor> generator,
        ImageShape shape,
        int latent,
        int classes,
        int count,
        long seed,
        CancellationToken cancellation = default
    )
    {
        using IDisposable? mode = generator.EnterEvaluation();
        return Fill(
            shape,
            count,
            samples =>
            {
                Tensor latents = new SampleRandom(seed, samples).Normal(0, latent);
                Tensor labels = tensor(Array.ConvertAll(samples, sample => sample % Math.Max(1, classes)));
                return generator switch
                {
                    ImageGenerator fast => fast.Generate(latents),
                    Vae vae => vae.Decode(latents),
                    ConditionalVae vae => vae.Decode(latents, labels),
                    _ => generator.forward(classes > 0 ? ConditionalGan.Latents(latents, labels, classes) : latents),
                };
            },
            cancellation
        );
    }

    /// <summary>
    /// Draws images of uniform noise, [count, C, H, W] in [0, 1), float32, which every measure must rate as bad.
    /// </summary>
    public static Tensor Noise(ImageShape shape, int count, long seed) =>
        Fill(
            shape,
            count,
            samples => new SampleRandom(seed, samples).Fork(1).Uniform(0, shape.Channels, shape.Height, shape.Width),
            default
        );

    private static Tensor Fill(ImageShape shape, int count, Func<long[], Tensor> draw, CancellationToken cancellation)
    {
        Tensor images = empty([count, shape.Channels, shape.Height, shape.Width]);
        Workers.Shared.RunRows(
            count,
            RowsAtOnce,
            (from, to) =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                images
                    .slice(0, from, to, 1)
                    .copy_(draw([.. Enumerable.Range(from, to - from).Select(sample => (long)sample)]));
            },
            cancellation
        );
        return images;
    }
}
