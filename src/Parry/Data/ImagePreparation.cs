using Parry.Data.Images;

namespace Parry.Data;

/// <summary>How pictures of any size are converted to the images that a model takes.</summary>
public sealed record ImagePreparation
{
    // As in torchvision for ImageNet: 256 is cropped to 224.
    private const double CroppedShare = 0.875;

    /// <summary>The shape that the model takes; null for the common shape of all pictures.</summary>
    public ImageShape? Shape { get; init; }

    /// <summary>
    /// The length in pixels to which the shorter side is resized before the middle is cut out; if null, the model's
    /// side / 0.875, rounded.
    /// </summary>
    public int? Resize { get; init; }

    /// <summary>The names of the model's classes, in which labels are looked up; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>The number of the first class in folders and tables whose labels are numbers.</summary>
    public int LabelsFrom { get; init; }

    /// <summary>
    /// Whether pictures are turned as their camera orientation (EXIF) says; otherwise it is ignored, as in torchvision.
    /// </summary>
    public bool ExifRotate { get; init; }

    /// <summary>Prepares pictures for images of this shape.</summary>
    internal PictureSet SetOf(
        string name,
        IReadOnlyList<Picture> pictures,
        ImageShape shape,
        IReadOnlyList<string> classNames
    ) =>
        new()
        {
            Name = name,
            Pictures = pictures,
            Shape = shape,
            ClassNames = classNames,
            Prepare = Apply,
            ExifRotate = ExifRotate,
            Change = $"resized and cut to the middle {shape.Height}x{shape.Width} pixels",
        };

    /// <summary>
    /// Converts a picture to an image for the model, in gray or color. A picture of another size is resized and
    /// center-cropped as in torchvision (<see cref="Images.Resize"/>).
    /// </summary>
    /// <param name="planes">The values as [C, H, W].</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="target">The model's shape, of 1 or 3 channels.</param>
    internal byte[] Apply(byte[] planes, ImageShape shape, ImageShape target)
    {
        byte[] image = Planes.Convert(planes, shape.Channels, target.Channels);
        if ((shape.Height, shape.Width) == (target.Height, target.Width))
            return image;
        ImageShape converted = shape with { Channels = target.Channels };
        int side = Math.Min(target.Height, target.Width);
        int resizedSide = Resize ?? (int)Math.Round(side / CroppedShare);
        return Images.Resize.BilinearCrop(image, converted, resizedSide, target.Height, target.Width);
    }
}
