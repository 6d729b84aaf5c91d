using static TorchSharp.torch;

namespace Parry.Defenses;

/// <summary>Takes one of several candidates for each image.</summary>
internal static class Candidates
{
    /// <summary>The chosen candidate of each image, [N, …]; autograd can follow it.</summary>
    /// <param name="candidates">K for each image, next to each other, [N · K, …].</param>
    /// <param name="choice">Numbers from 0 to K - 1, [N] int64.</param>
    public static Tensor Choose(this Tensor candidates, Tensor choice)
    {
        long images = choice.size(0);
        long each = candidates.size(0) / images;
        return candidates.index_select(0, (arange(images, ScalarType.Int64) * each) + choice);
    }
}
