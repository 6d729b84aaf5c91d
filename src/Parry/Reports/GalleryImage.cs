namespace Parry.Reports;

/// <summary>One image in its four states.</summary>
public sealed record GalleryImage
{
    /// <summary>The true label's name.</summary>
    public required string Label { get; init; }

    /// <summary>The image as it is in the data set.</summary>
    public required GalleryPicture Clean { get; init; }

    /// <summary>The attacked image.</summary>
    public required GalleryPicture Adversarial { get; init; }

    /// <summary>What the attack added, amplified around middle gray.</summary>
    public required GalleryPicture Perturbation { get; init; }

    /// <summary>The attacked image after the defense; null without a defense that purifies.</summary>
    public required GalleryPicture? Purified { get; init; }
}
