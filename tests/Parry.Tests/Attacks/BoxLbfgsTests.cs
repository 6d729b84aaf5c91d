using Parry.Attacks.Building;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public class BoxLbfgsTests
{
    [Fact]
    public void Finds_the_minimum_within_the_box_of_functions_that_steepest_descent_crawls_along()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        Tensor targets = rand([4, 1, 5, 5], generator: random).mul(2.0).sub(0.5);
        Tensor scales = rand([4, 1, 5, 5], generator: random).mul(6.0).exp();
        var minimizer = new BoxLbfgs(full([4, 1, 5, 5], 0.5));
        var ended = new bool[4];
        int steps = 0;
        for (; steps < 200 && ended.Contains(false); steps++)
        {
            Tensor difference = minimizer.Point.sub(targets);
            Tensor weighted = difference.mul(scales);
            bool[] done = minimizer.Learn(weighted.mul(difference).sum([1, 2, 3]), weighted.mul(2.0));
            for (int row = 0; row < 4; row++)
                ended[row] |= done[row];
        }

        Assert.InRange(steps, 2, 150);
        float[] found = minimizer.Point.ToArray<float>();
        float[] wanted = targets.clamp(0.0, 1.0).ToArray<float>();
        Assert.All(found.Zip(wanted), pair => Assert.Equal(pair.Second, pair.First, 0.02));
    }
}
