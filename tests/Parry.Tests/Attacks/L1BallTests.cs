using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Catalogs;
using Parry.Models;
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
            double most = radius + BudgetTolerance.Of(Norm.L1, radius, 63);
            Assert.InRange(Enumerable.Range(63 * row, 63).Sum(j => (double)Math.Abs(projected[j])), 0, most);
        }

        double Shrunk(int j, double amount) =>
            Math.Sign(y[j]) * Math.Min(Math.Max(Math.Abs(y[j]) - amount, 0), y[j] > 0 ? 1 - x[j] : x[j]);
    }

    [Theory]
    [InlineData(Norm.L1, 0.4)]
    [InlineData(Norm.L1, 500)]
    [InlineData(Norm.L2, 0.05)]
    [InlineData(Norm.L2, 30)]
    public void A_projected_photo_is_in_its_ball_by_sums_in_float64(Norm norm, double radius)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        Tensor photos = rand([2, 3, 224, 224], generator: random);
        Tensor moved = (photos + randn(photos.shape, generator: random).mul(0.1)).clamp(0.0, 1.0);
        Tensor change = new Ball(norm, photos, radius).Project(moved) - photos;
        double largest = norm.Of(change.to(ScalarType.Float64)).max().Item();
        Assert.InRange(largest, 0.999 * radius, radius + BudgetTolerance.Of(norm, radius, 3 * 224 * 224));
    }

    [Theory]
    [InlineData("pgd:norm=l1,eps=0.4,50,500,steps=3")]
    [InlineData("apgd:norm=l1,eps=50,500,steps=4")]
    public void Attacks_in_L1_stay_within_budgets_on_photos(string text)
    {
        using var scope = NewDisposeScope();
        var shape = new ImageShape(3, 224, 224);
        var model = new LinearClassifier(shape);
        using var random = new Generator(3);
        Tensor photos = rand([2, 3, 224, 224], generator: random);
        var goal = Goal.Untargeted(((IClassifier)model).Predict(photos));
        IReadOnlyList<AttackResult> results = AttackCatalog.Parse(text).Run(model, new AttackRun(photos, goal, 1));
        Assert.All(results, result => Assert.Equal(2, result.Attacked.Count(attacked => attacked)));
    }
}
