using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>Random changes of training images, drawn for each image on its own.</summary>
internal static class Augmentation
{
    private const int MirrorDraw = 0;
    private const int ShiftDraw = 1;

    /// <summary>Mirrors each image left to right with probability 1/2.</summary>
    /// <param name="images">[N, C, H, W].</param>
    /// <param name="random">Draws for them.</param>
    public static Tensor Mirrored(Tensor images, SampleRandom random)
    {
        Tensor mirrored = random.Uniform(MirrorDraw, 1, 1, 1) < 0.5;
        return where(mirrored, images.flip(3), images);
    }

    /// <summary>
    /// Shifts each image by a random number of pixels down and right: pads it with black on all sides, and crops it to
    /// its size.
    /// </summary>
    /// <param name="images">[N, C, H, W].</param>
    /// <param name="most">The largest shift in either direction, which is the width of the padding.</param>
    /// <param name="random">Draws for them.</param>
    public static Tensor Cropped(Tensor images, int most, SampleRandom random)
    {
        long count = images.size(0);
        Tensor padded = nn.functional.pad(images, [most, most, most, most]);
        Tensor corners = (random.Uniform(ShiftDraw, 2) * ((2 * most) + 1)).to(ScalarType.Int64);
        Tensor rows = corners.select(1, 0).reshape(count, 1, 1, 1) + arange(images.size(2)).reshape(1, 1, -1, 1);
        Tensor columns = corners.select(1, 1).reshape(count, 1, 1, 1) + arange(images.size(3)).reshape(1, 1, 1, -1);
        Tensor samples = arange(count).reshape(count, 1, 1, 1);
        Tensor channels = arange(images.size(1)).reshape(1, -1, 1, 1);
        return padded.index(samples, channels, rows, columns);
    }
}
