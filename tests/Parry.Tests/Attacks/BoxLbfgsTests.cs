using Parry.Attacks.Steps;
using Parry.Torch;

namespace Parry.Tests.Attacks;

public class BoxLbfgsTests
{
    [Fact]
    public void Finds_the_minimum_within_the_box_of_functions_that_steepest_descent_crawls_along()
    {
        using var scope = new TensorScope();
        using var random = new Generator(1);
        Tensor targets = Tensor.Uniform([4, 1, 5, 5], random).Mul(2).Sub(0.5), scales = Tensor.Uniform([4, 1, 5, 5], random).Mul(6).Exp();
        var minimizer = new BoxLbfgs(Tensor.Full([4, 1, 5, 5], 0.5));
        var ended = new bool[4];
        int steps = 0;
        for (; steps < 200 && ended.Contains(false); steps++)
        {
            Tensor difference = minimizer.Point.Sub(targets), weighted = difference.Mul(scales);
            bool[] done = minimizer.Learn(weighted.Mul(difference).Sum([1, 2, 3]), weighted.Mul(2));
            for (int row = 0; row < 4; row++) ended[row] |= done[row];
        }

        Assert.InRange(steps, 2, 150);
        float[] found = minimizer.Point.ToArray<float>(), wanted = targets.Clamp(0, 1).ToArray<float>();
        Assert.All(found.Zip(wanted), pair => Assert.Equal(pair.Second, pair.First, 0.02));
    }
}
