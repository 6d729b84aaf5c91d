using Parry.Data;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

/// <summary>
/// Images of 8x8 with a bright row on dim noise; which row is the class. Small enough to train auto-encoders in a
/// second.
/// </summary>
internal static class ToyStripes
{
    public static readonly ImageShape Shape = new(1, 8, 8);

    /// <summary>The row that is bright in each class.</summary>
    private static readonly int[] s_rows = [1, 4, 6];

    public static ImageSet Make(int count, ulong seed = 1)
    {
        var random = new SplitMix64(seed);
        var pixels = new byte[count * Shape.Pixels];
        var labels = new int[count];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)random.Next(40);
        for (int i = 0; i < count; i++)
        {
            labels[i] = random.Next(3);
            pixels
                .AsSpan((i * Shape.Pixels) + (s_rows[labels[i]] * Shape.Width), Shape.Width)
                .Fill((byte)(200 + random.Next(50)));
        }

        return new ImageSet("stripes", Shape, pixels, labels, ["top", "middle", "bottom"]);
    }

    /// <summary>Knows the classes without learning: by how bright their rows are.</summary>
    internal sealed class Classifier : IClassifier
    {
        private readonly Tensor _weights = Weigh();

        public ImageShape Shape => ToyStripes.Shape;

        public int Classes => 3;

        public Tensor Logits(Images images) =>
            nn.functional.linear(images.Pixels.flatten(1), _weights.to(images.Pixels.dtype));

        private static Tensor Weigh()
        {
            var weights = new float[3 * 64];
            for (int label = 0; label < 3; label++)
                Array.Fill(weights, 1f, (label * 64) + (s_rows[label] * 8), 8);
            return tensor(weights, [3, 64]).DetachFromDisposeScope();
        }
    }
}
