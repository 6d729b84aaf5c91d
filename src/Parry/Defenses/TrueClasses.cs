using Parry.Attacks;
using Parry.Data;
using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>The true class of each sample of an evaluation.</summary>
/// <param name="test">The attacked images, which are the samples 0, 1, 2 and so on.</param>
/// <param name="training">The images that attacks learn from; null where none learns.</param>
public sealed class TrueClasses(ImageSet test, ImageSet? training = null)
{
    /// <summary>The true classes of samples, [N] int64.</summary>
    public Tensor Of(ReadOnlyMemory<long> samples)
    {
        var classes = new long[samples.Length];
        for (int row = 0; row < classes.Length; row++)
            classes[row] = Of(samples.Span[row]);
        return tensor(classes);
    }

    private int Of(long sample)
    {
        if (sample < AttackRunner.FirstTrainingSample)
            return test.Labels[(int)sample];
        ArgumentNullException.ThrowIfNull(training);
        return training.Labels[(int)(sample - AttackRunner.FirstTrainingSample)];
    }
}
