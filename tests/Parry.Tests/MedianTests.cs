namespace Parry.Tests;

public class MedianTests
{
    [Theory]
    [InlineData(new[] { 3.0 }, 3)]
    [InlineData(new[] { 5.0, 1, 2 }, 2)]
    [InlineData(new[] { 4.0, 1, 2, 9 }, 3)]
    [InlineData(new[] { 1.0, double.PositiveInfinity }, double.PositiveInfinity)]
    [InlineData(new[] { 1.0, double.PositiveInfinity, 2 }, 2)]
    public void Is_the_middle_or_the_mean_of_the_two_there(double[] values, double expected) =>
        Assert.Equal(expected, Median.Of(values));

    [Fact]
    public void Of_nothing_is_an_error() => Assert.Throws<ArgumentException>(() => Median.Of([]));
}
