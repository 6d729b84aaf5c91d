using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>The orthonormal cosine transform (DCT-II) of images of one size.</summary>
/// <param name="height">Their height.</param>
/// <param name="width">Their width.</param>
internal sealed class Cosines(long height, long width)
{
    private const int Small = 32;

    private readonly Tensor _down = Waves(height);
    private readonly Tensor _across = Waves(width);

    /// <summary>
    /// The basis of one dimension, [size, size]: each row is a wave, the lowest frequency first.
    /// </summary>
    public static Tensor Waves(long size)
    {
        var waves = new float[size * size];
        for (long k = 0; k < size; k++)
        {
            double scale = Math.Sqrt((k == 0 ? 1.0 : 2.0) / size);
            for (long i = 0; i < size; i++)
                waves[(k * size) + i] = (float)(scale * Math.Cos(Math.PI * (i + 0.5) * k / size));
        }

        return tensor(waves, [size, size]);
    }

    /// <summary>
    /// How many frequencies of one dimension an attack keeps, the lowest: all up to 32 pixels, else a share.
    /// </summary>
    /// <param name="size">The pixels of the dimension.</param>
    /// <param name="wanted">How many are wanted; null for these.</param>
    /// <param name="share">2 for a half.</param>
    public static long Kept(long size, long? wanted, int share) =>
        Math.Min(size, wanted ?? (size <= Small ? size : size / share));

    /// <summary>The spectra of images [N, C, height, width], of the same shape.</summary>
    public Tensor Of(Tensor images) => MatrixProduct.Of(MatrixProduct.Of(_down, images), _across.t());

    /// <summary>
    /// The images [N, C, height, width] of spectra [N, C, H, W]; frequencies beyond H and W are zero.
    /// </summary>
    public Tensor Inverse(Tensor spectra)
    {
        Tensor down = _down.slice(0, 0, spectra.size(2), 1);
        Tensor across = _across.slice(0, 0, spectra.size(3), 1);
        return MatrixProduct.Of(MatrixProduct.Of(down.t(), spectra), across);
    }
}
