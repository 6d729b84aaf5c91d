using Parry.Data.Images;

namespace Parry.Tests.Data;

public class ImageGridTests
{
    [Fact]
    public void Lays_images_out_row_by_row()
    {
        // Three images of 1x1x2 in two columns, one pixel between them.
        var (shape, planes) = ImageGrid.Layout(
            [1, 2, 3, 4, 5, 6],
            new ImageShape(1, 1, 2),
            columns: 2,
            gap: 1,
            background: 9
        );

        Assert.Equal(new ImageShape(1, 3, 5), shape);
        Assert.Equal([1, 2, 9, 3, 4, 9, 9, 9, 9, 9, 5, 6, 9, 9, 9], planes);
    }

    [Fact]
    public void Repeats_pixels_to_scale()
    {
        var (shape, planes) = ImageGrid.Layout(
            [1, 2, 3, 4],
            new ImageShape(1, 2, 1),
            columns: 2,
            gap: 1,
            scale: 2,
            background: 0
        );

        Assert.Equal(new ImageShape(1, 4, 6), shape);
        Assert.Equal([1, 1, 0, 0, 3, 3, 1, 1, 0, 0, 3, 3, 2, 2, 0, 0, 4, 4, 2, 2, 0, 0, 4, 4], planes);
    }

    [Fact]
    public void Keeps_the_colors_in_their_planes()
    {
        var (shape, planes) = ImageGrid.Layout([1, 2, 3, 4, 5, 6], new ImageShape(3, 1, 1), columns: 2, gap: 0);
        Assert.Equal(new ImageShape(3, 1, 2), shape);
        Assert.Equal([1, 4, 2, 5, 3, 6], planes);
    }

    [Fact]
    public void Encodes_the_sheet()
    {
        var images = TestData.Pixels(5 * 3 * 32 * 32);
        var (shape, planes) = ImageGrid.Layout(images, new ImageShape(3, 32, 32), columns: 3, gap: 2, scale: 2);
        var (decodedShape, decoded) = Png.Decode(
            ImageGrid.EncodePng(images, new ImageShape(3, 32, 32), columns: 3, gap: 2, scale: 2),
            3
        );
        Assert.Equal(shape, decodedShape);
        Assert.Equal(planes, decoded);
    }

    [Fact]
    public void Refuses_what_is_not_whole_images()
    {
        Assert.Throws<ArgumentException>(() => ImageGrid.Layout(new byte[5], new ImageShape(1, 2, 2), 1));
        Assert.Throws<ArgumentException>(() => ImageGrid.Layout([], new ImageShape(1, 2, 2), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageGrid.Layout(new byte[4], new ImageShape(1, 2, 2), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            ImageGrid.Layout(new byte[4], new ImageShape(1, 2, 2), 1, gap: -1)
        );
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            ImageGrid.Layout(new byte[4], new ImageShape(1, 2, 2), 1, scale: 0)
        );
    }
}
