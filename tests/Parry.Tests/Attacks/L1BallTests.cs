using Parry.Attacks.Building;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public class L1BallTests
{
    [Theory]
    [InlineData(0.5)]
    [InlineData(3)]
    [InlineData(20)]
    public void Projects_onto_the_ball_and_the_box_at_once(double radius)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        Tensor images = rand([8, 1, 7, 9], generator: random);
        Tensor change = randn([8, 1, 7, 9], generator: random).mul(0.7);
        float[] projected = L1Ball.Project(change, images, full([8, 1, 1, 1], radius)).ToArray<float>();
        float[] x = images.ToArray<float>();
        float[] y = change.ToArray<float>();
        for (int row = 0; row < 8; row++)
        {
            // The same by halving an interval, one number at a time.
            double low = 0;
            double high = 10;
            for (int i = 0; i < 60; i++)
            {
                double middle = (low + high) / 2;
                if (Enumerable.Range(63 * row, 63).Sum(j => Math.Abs(Shrunk(j, middle))) > radius)
                    low = middle;
                else
                    high = middle;
            }

            for (int j = 63 * row; j < 63 * (row + 1); j++)
                Assert.Equal(Shrunk(j, high < 1e-9 ? 0 : high), projected[j], 2e-5);
            Assert.InRange(Enumerable.Range(63 * row, 63).Sum(j => (double)Math.Abs(projected[j])), 0, radius);
        }

        double Shrunk(int j, double amount) =>
            Math.Sign(y[j]) * Math.Min(Math.Max(Math.Abs(y[j]) - amount, 0), y[j] > 0 ? 1 - x[j] : x[j]);
    }
}
