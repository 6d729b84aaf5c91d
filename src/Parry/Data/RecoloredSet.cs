using Parry.Data.Images;

namespace Parry.Data;

/// <summary>A published data set in gray or color as a model takes it.</summary>
/// <param name="set">The set.</param>
/// <param name="channels">1 for gray, 3 for color.</param>
internal sealed class RecoloredSet(DataSet set, int channels) : IImageSource
{
    /// <inheritdoc/>
    public string Name => set.Name;

    /// <inheritdoc/>
    public string Title => set.Title;

    /// <inheritdoc/>
    public ImageShape Shape { get; } = set.Shape with { Channels = channels };

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => set.ClassNames;

    /// <inheritdoc/>
    public double? UsualAccuracy => set.UsualAccuracy;

    /// <inheritdoc/>
    public ImageSet Load(DataPart part, Split split, string? dataDir = null, int? count = null)
    {
        ImageSet images = set.Load(part, split, dataDir, count);
        var pixels = new byte[checked(images.Count * Shape.Pixels)];
        for (int i = 0; i < images.Count; i++)
        {
            byte[] image = Planes.Convert(images.Image(i).ToArray(), set.Shape.Channels, channels);
            image.CopyTo(pixels, i * Shape.Pixels);
        }

        string? before = images.Note is { } note ? $"{note}; " : null;
        string color = channels == 1 ? "gray" : "from gray to color";
        return new ImageSet(images.Name, Shape, pixels, images.Labels.ToArray(), images.ClassNames)
        {
            Note = $"{before}{Name}: all images were turned {color}, as the model takes them",
        };
    }
}
