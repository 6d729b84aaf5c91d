using static TorchSharp.torch;

namespace Parry.Attacks.Steps;

/// <summary>The inverse of tanh for attacks that descend in tanh space.</summary>
internal static class InverseTanh
{
    /// <summary>(log(1 + x) - log(1 - x)) / 2. LibTorch's own <c>atanh</c> rounds differently at other places of a batch.</summary>
    public static Tensor Of(Tensor x) => (x.log1p() - x.neg().log1p()) * 0.5;
}
