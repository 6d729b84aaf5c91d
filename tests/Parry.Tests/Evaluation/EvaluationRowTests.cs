using Parry.Evaluation;
using Parry.Tests.Reports;

namespace Parry.Tests.Evaluation;

public sealed class EvaluationRowTests
{
    [Fact]
    public void Fractions_follow_from_the_counts()
    {
        EvaluationRow row = SampleReport.Row("pgd", 0.1, "none", Threat.None, robust: 3);
        Assert.Equal(0.925, row.CleanAccuracy);
        Assert.Equal(0.015, row.RobustAccuracy);
        Assert.Equal(182.0 / 185, row.SuccessRate);
    }

    [Fact]
    public void Success_rate_without_attacked_images_is_null() =>
        Assert.Null(
            (SampleReport.Row("pgd", 0.1, "none", Threat.None, 0) with { Attacked = 0, Succeeded = 0 }).SuccessRate
        );

    [Fact]
    public void An_infinite_median_distance_is_null() =>
        Assert.Null(
            (
                SampleReport.Row("pgd", 0.1, "none", Threat.None, 0) with
                {
                    MedianDistance = double.PositiveInfinity,
                }
            ).MedianDistance
        );

    [Fact]
    public void A_row_without_images_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            SampleReport.Row("pgd", 0.1, "none", Threat.None, 0) with
            {
                Count = 0,
            }
        );

    [Theory]
    [InlineData(0, 10, 0, 0.277533)]
    [InlineData(10, 10, 0.722467, 1)]
    [InlineData(5, 10, 0.236593, 0.763407)]
    [InlineData(187, 200, 0.891981, 0.961624)]
    public void Wilson_interval_has_its_known_values(int successes, int count, double low, double high)
    {
        (double actualLow, double actualHigh) = WilsonInterval.Of(successes, count);
        Assert.Equal(low, actualLow, 5);
        Assert.Equal(high, actualHigh, 5);
    }

    [Theory]
    [InlineData(-1, 10)]
    [InlineData(11, 10)]
    [InlineData(0, 0)]
    public void Wilson_interval_refuses_impossible_counts(int successes, int count) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => WilsonInterval.Of(successes, count));
}
