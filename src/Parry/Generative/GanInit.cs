using Parry.Torch;

namespace Parry.Generative;

/// <summary>The initial weights of the Defense-GAN code: uniform with variance gain / (inputs + outputs).</summary>
internal static class GanInit
{
    public static Tensor Uniform(long[] shape, double inputs, double outputs, double gain, Parry.Torch.Generator random)
    {
        double limit = Math.Sqrt(3 * gain / (inputs + outputs));
        return Tensor.Uniform(shape, random).Mul(2 * limit).Sub(limit);
    }
}
