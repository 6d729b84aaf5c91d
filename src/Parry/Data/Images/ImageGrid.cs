namespace Parry.Data.Images;

/// <summary>Lays images of one shape out in rows and columns, for sample sheets and reports.</summary>
public static class ImageGrid
{
    /// <summary>Lays the images out, row by row.</summary>
    /// <param name="images">The images' values as [N, C, H, W].</param>
    /// <param name="shape">The shape of one image.</param>
    /// <param name="columns">Images a row; the last row may stay short.</param>
    /// <param name="gap">Pixels between neighbors, before scaling; there is no outer margin.</param>
    /// <param name="scale">How many pixels wide and high each pixel becomes.</param>
    /// <param name="background">Value of the gaps and of empty places.</param>
    /// <returns>The shape and the values of the sheet as [C, H, W].</returns>
    /// <exception cref="ArgumentException">The values are not those of whole images, or a number is too
    /// small.</exception>
    public static (ImageShape Shape, byte[] Planes) Layout(
        ReadOnlySpan<byte> images,
        ImageShape shape,
        int columns,
        int gap = 1,
        int scale = 1,
        byte background = 255
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(gap);
        ArgumentOutOfRangeException.ThrowIfLessThan(scale, 1);
        if (images.IsEmpty || images.Length % shape.Pixels != 0)
        {
            throw new ArgumentException(
                $"expected whole images of {shape}, got {images.Length} values",
                nameof(images)
            );
        }

        var count = images.Length / shape.Pixels;
        var rows = (count + columns - 1) / columns;
        var (stepY, stepX) = (shape.Height + gap, shape.Width + gap);
        var sheet = checked(
            new ImageShape(shape.Channels, ((rows * stepY) - gap) * scale, ((columns * stepX) - gap) * scale)
        );
        var planes = new byte[sheet.Pixels];
        planes.AsSpan().Fill(background);

        for (var image = 0; image < count; image++)
        {
            var (top, left) = (image / columns * stepY * scale, image % columns * stepX * scale);
            for (var line = 0; line < shape.Channels * shape.Height * scale; line++)
            {
                var (channel, y) = Math.DivRem(line, shape.Height * scale);
                var source = images.Slice(
                    (((image * shape.Channels) + channel) * shape.Height + (y / scale)) * shape.Width,
                    shape.Width
                );
                var target = planes.AsSpan(
                    (((channel * sheet.Height) + top + y) * sheet.Width) + left,
                    shape.Width * scale
                );
                for (var x = 0; x < target.Length; x++)
                    target[x] = source[x / scale];
            }
        }

        return (sheet, planes);
    }

    /// <summary>Lays the images out as <see cref="Layout"/> does and encodes the sheet as a PNG.</summary>
    /// <inheritdoc cref="Layout" path="/param"/>
    /// <inheritdoc cref="Layout" path="/exception"/>
    public static byte[] EncodePng(
        ReadOnlySpan<byte> images,
        ImageShape shape,
        int columns,
        int gap = 1,
        int scale = 1,
        byte background = 255
    )
    {
        var (sheet, planes) = Layout(images, shape, columns, gap, scale, background);
        return Png.Encode(planes, sheet);
    }
}
