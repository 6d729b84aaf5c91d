using Parry.Data;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Evaluation.Cells;

/// <summary>The clean images of an evaluation as tensors.</summary>
/// <param name="Pixels">[N, C, H, W] in [0, 1].</param>
/// <param name="Labels">The true classes, [N] int64.</param>
/// <param name="Truth">The true classes again, as an array.</param>
internal sealed record TestImages(Tensor Pixels, Tensor Labels, long[] Truth)
{
    public int Count => Truth.Length;

    public static TestImages Of(ImageSet set)
    {
        Tensor labels = set.LabelTensor();
        return new TestImages(set.ImageTensor(), labels, labels.ToArray<long>());
    }
}
