using static TorchSharp.torch;

namespace Parry.Models.Training;

/// <summary>
/// Adversarial weight perturbation, AWP (Wu, Xia, Wang, 2020, 2004.05884): the gradient of a step is that at the
/// weights w + v, where v raises the loss of the batch most, layer by layer: v = γ ‖w‖ g / ‖g‖ for the gradient g.
/// Weights of one dimension, such as biases and those of normalization, stay as they are.
/// </summary>
/// <remarks>
/// One step along the gradient, as in the authors' code, which lets a copy of the network take it so that running
/// statistics do not count it. Deviation: the optimizer steps from w, where that code steps from w + v and then
/// subtracts v; that differs in what weight decay sees, and in the last bits.
/// </remarks>
internal static class AdversarialWeightPerturbation
{
    private const double Smallest = 1e-12;

    /// <summary>The weights w + v, as new tensors.</summary>
    /// <param name="weights">w, all layers.</param>
    /// <param name="gradients">g, of the loss of the whole batch.</param>
    /// <param name="size">γ.</param>
    public static Tensor[] Worst(IEnumerable<Tensor> weights, IEnumerable<Tensor> gradients, double size) =>
        [
            .. weights.Zip(
                gradients,
                (weight, gradient) => weight.dim() > 1 ? Worst(weight, gradient, size) : weight.clone()
            ),
        ];

    private static Tensor Worst(Tensor weight, Tensor gradient, double size)
    {
        Tensor direction = gradient / gradient.norm().clamp_min(Smallest);
        return weight + (size * weight.norm() * direction);
    }
}
