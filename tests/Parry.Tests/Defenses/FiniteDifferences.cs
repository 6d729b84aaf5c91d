using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

/// <summary>Holds gradients by autograd against differences.</summary>
internal static class FiniteDifferences
{
    private const double Step = 1e-6;

    /// <summary>
    /// Checks some of the gradient, with respect to images, of a weighted sum of what is made of them, in float64.
    /// </summary>
    public static void Check(Tensor images, Func<Tensor, Tensor> make)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(11);
        double[] values = [.. images.ToArray<float>().Select(value => 0.1 + (0.8 * value))];
        Tensor Of(double[] pixels) => tensor(pixels, images.shape);
        Tensor followed = Of(values).requires_grad_();
        Tensor made = make(followed);
        Tensor weights = randn(made.shape, generator: random).to(ScalarType.Float64);
        double[] gradient = Autograd.Grad(made.mul(weights).sum(), followed).ToArray<double>();
        Assert.Contains(gradient, slope => Math.Abs(slope) > 1e-4);
        for (int i = 0; i < values.Length; i += 7)
        {
            using var inner = NewDisposeScope();
            Assert.Equal((At(i, Step) - At(i, -Step)) / (2 * Step), gradient[i], 1e-5 + (1e-4 * Math.Abs(gradient[i])));
        }

        double At(int pixel, double change)
        {
            double[] changed = [.. values];
            changed[pixel] += change;
            return make(Of(changed)).mul(weights).sum().Item();
        }
    }
}
