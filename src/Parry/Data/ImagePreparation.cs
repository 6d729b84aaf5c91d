using Parry.Data.Images;

namespace Parry.Data;

/// <summary>What a model says of the images it takes, so that pictures of other sizes can be made into them.</summary>
public sealed record ImagePreparation
{
    // torchvision's for ImageNet: 256 is cropped to 224.
    private const double CroppedShare = 0.875;

    /// <summary>The shape that the model takes; null for the one that all pictures have.</summary>
    public ImageShape? Shape { get; init; }

    /// <summary>
    /// What the shorter side is resized to before the middle is cut out; the model's side / 0.875, rounded, if null.
    /// </summary>
    public int? Resize { get; init; }

    /// <summary>The names of the model's classes, in which labels are looked up; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>
    /// Makes a picture into an image of the model: gray or color as it takes; a picture of another size is resized and
    /// its middle cut out, as torchvision does (<see cref="Images.Resize"/>); one of its size stays as it is.
    /// </summary>
    /// <param name="planes">The values as [C, H, W].</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="target">The model's shape, of 1 or 3 channels.</param>
    internal byte[] Apply(byte[] planes, ImageShape shape, ImageShape target)
    {
        byte[] image = Planes.Convert(planes, shape.Channels, target.Channels);
        if ((shape.Height, shape.Width) == (target.Height, target.Width))
            return image;
        int shorterSide = Resize ?? (int)Math.Round(Math.Min(target.Height, target.Width) / CroppedShare);
        return Images.Resize.BilinearCrop(
            image,
            shape with
            {
                Channels = target.Channels,
            },
            shorterSide,
            target.Height,
            target.Width
        );
    }
}
