using Parry.Generative.Gans;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// Images that a generator drew from its prior, kept with their latent vectors: the nearest of them are good starts of
/// a projection, for the price of one matrix product (the start of analysis by synthesis, Schott et al., 2018,
/// 1805.09190). They are drawn when they are first needed.
/// </summary>
public sealed class PriorSamples : IDisposable
{
    private const int Piece = 500;

    private readonly Lazy<(Tensor Latents, Tensor Images, Tensor Squares)> _drawn;

    /// <summary>Samples of a generator.</summary>
    /// <param name="generator">The generator, which the caller owns.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">Decides them.</param>
    public PriorSamples(ImageGenerator generator, int count, long seed)
    {
        Count = count;
        _drawn = new(() =>
        {
            using var frozen = no_grad();
            using var scope = NewDisposeScope();
            using var random = Devices.Generator(seed);
            Tensor latents = randn([count, generator.Latent], generator: random);
            Tensor images = cat([
                .. Enumerable
                    .Range(0, (count + Piece - 1) / Piece)
                    .Select(i =>
                        generator.Generate(latents.slice(0, i * Piece, Math.Min(count, (i + 1) * Piece), 1)).flatten(1)
                    ),
            ]);
            return (
                latents.DetachFromDisposeScope(),
                images.DetachFromDisposeScope(),
                images.pow(2.0).sum(1).DetachFromDisposeScope()
            );
        });
    }

    /// <summary>The number of samples.</summary>
    public int Count { get; }

    /// <summary>
    /// The latent vectors of the nearest samples of each image in L2, nearest first, [N · nearest, latent].
    /// </summary>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="nearest">How many for each image.</param>
    public Tensor Nearest(Tensor images, int nearest)
    {
        var (latents, drawn, squares) = _drawn.Value;

        // The squared distance but for the image's own square, which is the same for all samples.
        Tensor scores = squares.unsqueeze(0).sub(images.flatten(1).mm(drawn.transpose(0, 1)).mul(2.0));
        return latents.index_select(0, scores.neg().topk((int)nearest, 1).indexes.reshape(-1));
    }

    /// <summary>Frees the samples.</summary>
    public void Dispose()
    {
        if (!_drawn.IsValueCreated)
            return;
        _drawn.Value.Latents.Dispose();
        _drawn.Value.Images.Dispose();
        _drawn.Value.Squares.Dispose();
    }
}
