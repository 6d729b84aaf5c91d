using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Runtime;

/// <summary>Compares autograd with central differences, in float64.</summary>
internal static class GradientCheck
{
    private const double Step = 1e-6;
    private const double Tolerance = 1e-6;

    /// <summary>A leaf of standard normal numbers.</summary>
    public static Tensor Leaf(Generator random, params long[] shape) =>
        zeros(shape, ScalarType.Float64).normal_(0, 1, random).requires_grad_();

    /// <summary>Checks the derivatives of any tensor-valued function with respect to its leaves.</summary>
    public static void First(Func<Tensor> function, params Tensor[] leaves)
    {
        using var scope = NewDisposeScope();
        Tensor output = function();
        Tensor weights = Weights(output);
        Tensor?[] gradients = Autograd.Grad([output.mul(weights).sum()], leaves);
        for (int i = 0; i < leaves.Length; i++)
        {
            double[] expected = Differences(() => function().mul(weights).sum(), leaves[i]);
            Close(expected, gradients[i]?.ToArray<double>() ?? new double[expected.Length], $"leaf {i}");
        }
    }

    /// <summary>Checks the derivatives of the gradient with respect to the first leaf.</summary>
    public static void Second(Func<Tensor> function, params Tensor[] leaves)
    {
        using var scope = NewDisposeScope();
        Tensor weights = Weights(function());
        First(() => Autograd.Grad(function(), leaves[0], weights, createGraph: true), leaves);
    }

    public static void Close(double[] expected, double[] actual, string what = "elements", double tolerance = Tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs(expected[i] - actual[i]) <= tolerance * (1 + Math.Abs(expected[i]))))
                Assert.Fail($"{what}, element {i}: expected {expected[i]}, got {actual[i]}");
        }
    }

    private static Tensor Weights(Tensor output)
    {
        using var random = new Generator(99);
        using var frozen = no_grad();
        return zeros_like(output).normal_(0, 1, random);
    }

    private static double[] Differences(Func<Tensor> scalar, Tensor leaf)
    {
        double[] elements = leaf.ToArray<double>();
        var slopes = new double[elements.Length];
        for (int i = 0; i < elements.Length; i++)
        {
            double here = elements[i];
            elements[i] = here + Step;
            double above = At(scalar, leaf, elements);
            elements[i] = here - Step;
            double below = At(scalar, leaf, elements);
            elements[i] = here;
            slopes[i] = (above - below) / (2 * Step);
        }

        At(scalar, leaf, elements);
        return slopes;
    }

    private static double At(Func<Tensor> scalar, Tensor leaf, double[] elements)
    {
        using var scope = NewDisposeScope();
        using (no_grad())
            leaf.copy_(tensor(elements, leaf.shape));
        return scalar().Item();
    }
}
