using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Attacks.Building;

/// <summary>The orthonormal cosine transform (DCT-II) of images.</summary>
internal static class Cosines
{
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

    /// <summary>The spectra of images [N, C, H, W], of the same shape.</summary>
    public static Tensor Of(Tensor images) =>
        MatrixProduct.Of(MatrixProduct.Of(Waves(images.size(2)), images), Waves(images.size(3)).t());

    /// <summary>
    /// The images [N, C, height, width] of spectra [N, C, H, W]; frequencies beyond H and W are zero.
    /// </summary>
    public static Tensor Inverse(Tensor spectra, long height, long width)
    {
        Tensor down = Waves(height).slice(0, 0, spectra.size(2), 1);
        Tensor across = Waves(width).slice(0, 0, spectra.size(3), 1);
        return MatrixProduct.Of(MatrixProduct.Of(down.t(), spectra), across);
    }
}
