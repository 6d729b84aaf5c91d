using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// Makes what a network says of an image independent of the batch around it. LibTorch multiplies matrices of one to
/// three rows with other kernels than larger ones, whose sums differ in the last bits; such batches are filled up.
/// </summary>
internal static class SmallBatches
{
    /// <summary>The fewest images that a network runs on.</summary>
    public const int Least = 4;

    /// <summary>
    /// Runs a network on images [N, C, H, W], filled up to four if there are fewer, and in pieces where they are so
    /// many that memory matters.
    /// </summary>
    /// <param name="images">The images.</param>
    /// <param name="network">From images to a row for each.</param>
    /// <returns>The rows of the images.</returns>
    public static Tensor Run(Tensor images, Func<Tensor, Tensor> network) =>
        PassMemory.Forward(images, some => Filled(some, network));

    private static Tensor Filled(Tensor images, Func<Tensor, Tensor> network)
    {
        long count = images.size(0);
        if (count is 0 or >= Least)
            return network(images);
        Tensor filling = images.slice(0, 0, 1, 1).detach().expand([Least - count, -1, -1, -1]);
        return network(cat([images, filling])).slice(0, 0, count, 1);
    }
}
