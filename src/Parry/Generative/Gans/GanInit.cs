using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Generative.Gans;

/// <summary>Initial weights as in Defense-GAN's code: uniform with variance gain / (inputs + outputs).</summary>
internal static class GanInit
{
    public static Tensor Uniform(long[] shape, double inputs, double outputs, double gain, Generator random)
    {
        double limit = Math.Sqrt(3 * gain / (inputs + outputs));
        return (2 * limit * random.Uniform(shape)) - limit;
    }
}
