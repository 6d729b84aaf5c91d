using Parry.Models;
using Parry.Torch;

namespace Parry.Tests;

/// <summary>Logits that are fixed linear functions of the image.</summary>
internal sealed class LinearClassifier(ImageShape shape, int classes = 3, long seed = 5) : IClassifier
{
    private readonly Tensor _weights = Weigh(shape, classes, seed);

    public ImageShape Shape => shape;

    public int Classes => classes;

    public Tensor Logits(Tensor images) => images.Flatten().Linear(_weights);

    private static Tensor Weigh(ImageShape shape, int classes, long seed)
    {
        using var random = new Parry.Torch.Generator(seed);
        return Tensor.Normal([classes, shape.Pixels], random).Own();
    }
}
