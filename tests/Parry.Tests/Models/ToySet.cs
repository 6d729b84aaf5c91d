using Parry.Data;

namespace Parry.Tests.Models;

/// <summary>Noise with a bright row in one of three places, which is the class: learned in a few steps.</summary>
internal static class ToySet
{
    public static readonly ImageShape Shape = new(1, 6, 6);

    public static ImageSet Make(int count, ulong seed = 1)
    {
        var random = new SplitMix64(seed);
        var pixels = new byte[count * Shape.Pixels];
        var labels = new int[count];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)random.Next(100);
        for (int i = 0; i < count; i++)
        {
            labels[i] = random.Next(3);
            pixels.AsSpan((i * Shape.Pixels) + (labels[i] * 12), 6).Fill(220);
        }

        return new ImageSet("toy", Shape, pixels, labels, ["top", "middle", "bottom"]);
    }
}
