using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests;

/// <summary>Logits that are fixed linear functions of the image.</summary>
internal sealed class LinearClassifier(ImageShape shape, int classes = 3, long seed = 5) : IClassifier
{
    private readonly Tensor _weights = Weigh(shape, classes, seed);

    public ImageShape Shape => shape;

    public int Classes => classes;

    public Tensor Logits(Images images) => nn.functional.linear(images.Pixels.flatten(1), _weights);

    private static Tensor Weigh(ImageShape shape, int classes, long seed)
    {
        using var random = new Generator((ulong)seed);
        return randn([classes, shape.Pixels], generator: random).DetachFromDisposeScope();
    }
}
