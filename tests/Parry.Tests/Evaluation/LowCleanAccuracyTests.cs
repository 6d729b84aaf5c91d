using Parry.Evaluation;

namespace Parry.Tests.Evaluation;

public class LowCleanAccuracyTests
{
    [Theory]
    [InlineData(10, 100, 10, true)]
    [InlineData(15, 100, 10, true)]
    [InlineData(17, 100, 10, false)]
    [InlineData(0, 10, 1000, true)]
    [InlineData(1, 10, 1000, false)]
    [InlineData(58, 100, 2, true)]
    [InlineData(62, 100, 2, false)]
    public void Warns_within_two_deviations_of_a_guess(int right, int count, int classes, bool warns) =>
        Assert.Equal(warns, LowCleanAccuracy.Warning(right, count, classes) is not null);

    [Theory]
    [InlineData(60, 100, true)]
    [InlineData(95, 100, false)]
    [InlineData(16, 20, false)]
    [InlineData(8, 20, true)]
    public void Warns_far_below_what_models_for_the_data_usually_reach(int right, int count, bool warns) =>
        Assert.Equal(warns, LowCleanAccuracy.Warning(right, count, 10, usual: 0.99) is not null);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(0, 4)]
    public void Says_nothing_of_too_few_images(int right, int count) =>
        Assert.Null(LowCleanAccuracy.Warning(right, count, 10, usual: 0.99));
}
