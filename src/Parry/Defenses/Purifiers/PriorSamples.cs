using Parry.Generative;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Images that a generator drew from its prior, kept with their latent vectors. Those nearest to an image are good
/// starts of its projection, for the price of one matrix product, as in analysis by synthesis (Schott et al., 2018,
/// 1805.09190). They are drawn when they are first needed.
/// </summary>
/// <param name="generator">The generator, which the caller owns.</param>
/// <param name="count">How many samples.</param>
/// <param name="seed">Decides the latent vectors.</param>
public sealed class PriorSamples(ILatentModel generator, int count, long seed) : IDisposable
{
    private const int RowsAtOnce = 500;

    private readonly Lazy<(Tensor Latents, Tensor Images, Tensor Squares)> _samples = new(() =>
        Draw(generator, count, seed)
    );

    /// <summary>The number of samples.</summary>
    public int Count => count;

    /// <summary>
    /// The latent vectors of the samples nearest to each image in L2, nearest first, [N · nearest, latent].
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="nearest">How many for each image.</param>
    public Tensor Nearest(Tensor images, int nearest)
    {
        var (latents, samples, squares) = _samples.Value;
        // |s - x|² = |s|² - 2 s·x + |x|², where |x|² is the same for all samples of an image.
        Tensor products = images.flatten(1).mm(samples.transpose(0, 1));
        Tensor distances = squares.unsqueeze(0) - (2 * products);
        Tensor order = distances.topk(nearest, dim: 1, largest: false).indexes;
        return latents.index_select(0, order.flatten());
    }

    /// <summary>Frees the samples.</summary>
    public void Dispose()
    {
        if (!_samples.IsValueCreated)
            return;
        _samples.Value.Latents.Dispose();
        _samples.Value.Images.Dispose();
        _samples.Value.Squares.Dispose();
    }

    private static (Tensor Latents, Tensor Images, Tensor Squares) Draw(ILatentModel generator, int count, long seed)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using var random = Devices.Generator(seed);
        Tensor latents = random.Normal(count, generator.Latent);
        Tensor images = cat([.. latents.split(RowsAtOnce).Select(piece => generator.Generate(piece).flatten(1))]);
        Tensor squares = images.pow(2).sum(1);
        return (latents.DetachFromDisposeScope(), images.DetachFromDisposeScope(), squares.DetachFromDisposeScope());
    }
}
