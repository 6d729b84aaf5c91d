using Parry.Attacks.Building;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public class LogNormalTests
{
    [Theory]
    [InlineData(0, -0.6931471805599453)]
    [InlineData(1, -0.17275377902344988)]
    [InlineData(-1, -1.8410216450092636)]
    [InlineData(3, -0.0013508099647481938)]
    [InlineData(-5, -15.064998393988727)]
    [InlineData(-12.5, -81.57596787074383)]
    [InlineData(-20, -203.91715537109727)]
    public void It_is_the_logarithm_of_the_probability_also_far_to_the_left(double x, double expected)
    {
        using var scope = NewDisposeScope();
        double got = LogNormal.Cumulative(tensor(new[] { x })).ToArray<double>()[0];
        Assert.InRange(got, expected - (1e-9 * Math.Abs(expected)), expected + (1e-9 * Math.Abs(expected)));
    }

    [Fact]
    public void Its_gradient_is_finite_everywhere()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new[] { -40f, -5f, -1f, 0f, 1f, 5f, 40f }).requires_grad_();
        Tensor gradient = Autograd.Grad(LogNormal.Cumulative(x).sum(), x);
        float[] slopes = gradient.ToArray<float>();
        Assert.All(slopes, slope => Assert.True(float.IsFinite(slope)));
        Assert.InRange(slopes[0], 39.9, 40.2);
        Assert.InRange(slopes[3], 0.797, 0.799);
        Assert.Equal(0, slopes[^1], 1e-6);
    }
}
