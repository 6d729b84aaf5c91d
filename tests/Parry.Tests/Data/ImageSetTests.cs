using Parry.Data;

namespace Parry.Tests.Data;

public class ImageSetTests
{
    private static readonly ImageSet s_set = new(
        "test",
        new ImageShape(1, 2, 2),
        TestData.Pixels(20),
        new[] { 0, 1, 2, 0, 1 },
        ["a", "b", "c"]
    );

    [Fact]
    public void Takes_the_first_images()
    {
        var two = s_set.Take(2);
        Assert.Equal(2, two.Count);
        Assert.Equal(TestData.Pixels(20)[..8], two.Pixels.ToArray());
        Assert.Equal([0, 1], two.Labels.ToArray());
    }

    [Fact]
    public void Slices_a_slice()
    {
        var set = s_set.Slice(1, 4).Slice(2, 1);
        Assert.Equal(s_set.Image(3).ToArray(), set.Image(0).ToArray());
        Assert.Equal([0], set.Labels.ToArray());
    }

    [Fact]
    public void Selects_in_the_order_asked_for()
    {
        var set = s_set.Select([4, 0, 4]);
        Assert.Equal([1, 0, 1], set.Labels.ToArray());
        Assert.Equal([.. s_set.Image(4), .. s_set.Image(0), .. s_set.Image(4)], set.Pixels.ToArray());
    }

    [Fact]
    public void A_count_above_the_set_is_an_error_naming_both()
    {
        var error = Assert.Throws<UserErrorException>(() => s_set.Take(6));
        Assert.Contains("5 images", error.Message);
        Assert.Contains("count of 6", error.Message);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, -1)]
    [InlineData(-1, 2)]
    [InlineData(4, 2)]
    [InlineData(1, int.MaxValue)]
    public void Refuses_ranges_outside_the_set(int start, int count) =>
        Assert.Throws<UserErrorException>(() => s_set.Slice(start, count));

    [Theory]
    [InlineData(-1)]
    [InlineData(5)]
    public void Refuses_an_index_outside_the_set(int index)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => s_set.Select([index]));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_set.Image(index).ToArray());
    }

    [Fact]
    public void Refuses_parts_that_do_not_fit_together()
    {
        var shape = new ImageShape(1, 2, 2);
        Refuses(shape, 7, classes: 1, 0, 0);
        Refuses(shape, 8, classes: 1, 0, 1);
        Refuses(shape, 8, classes: 1, 0, -1);
        Refuses(shape, 4, classes: 0, 0);
        Refuses(new ImageShape(1, 0, 2), 0, classes: 1, 0);

        static void Refuses(ImageShape shape, int pixels, int classes, params int[] labels) =>
            Assert.Throws<ArgumentException>(() =>
                new ImageSet("x", shape, new byte[pixels], labels, TestData.Digits[..classes])
            );
    }

    [Fact]
    public void A_shape_prints_as_channels_height_width() => Assert.Equal("3x4x5", new ImageShape(3, 4, 5).ToString());
}
