using Parry.Defenses.Purifiers;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation;

/// <summary>
/// How closely a generator reproduces images it has not seen: min over z of |G(z) - x|², averaged over the pixels, by
/// the descent of <see cref="DefenseGan"/>. The defense rests on this property. It is here, not with the other measures
/// of generators, because it needs the defense.
/// </summary>
public static class ReconstructionError
{
    /// <summary>
    /// The error of each image, [N]. Images are projected one by one on the workers, so that of an image does not
    /// depend on the others.
    /// </summary>
    /// <param name="projection">The generator and the settings of the descent.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="seed">Decides the starts.</param>
    /// <param name="progress">Told the share of the images that is done.</param>
    /// <param name="cancellation">Stops between images.</param>
    public static double[] Of(
        DefenseGan projection,
        Tensor images,
        long seed,
        IProgress<double>? progress = null,
        CancellationToken cancellation = default
    )
    {
        int count = (int)images.size(0);
        int done = 0;
        return Workers.Shared.Map(
            count,
            i =>
            {
                using var frozen = no_grad();
                using var scope = NewDisposeScope();
                double error = projection
                    .Purify(images.slice(0, i, i + 1, 1), new SampleRandom(seed, new long[] { i }))
                    .Errors.Item();
                progress?.Report(Interlocked.Increment(ref done) / (double)count);
                return error;
            },
            cancellation
        );
    }
}
