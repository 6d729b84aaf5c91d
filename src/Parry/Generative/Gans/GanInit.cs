using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>The initial weights of the Defense-GAN code: uniform with variance gain / (inputs + outputs).</summary>
internal static class GanInit
{
    public static Tensor Uniform(long[] shape, double inputs, double outputs, double gain, Generator random)
    {
        double limit = Math.Sqrt(3 * gain / (inputs + outputs));
        return rand(shape, generator: random).mul(2 * limit).sub(limit);
    }
}
