namespace Parry.Tests.Data;

/// <summary>
/// A test on the sample photos of ImageNet, skipped where the folder imagenet-samples is not in $PARRY_DATA.
/// </summary>
internal sealed class TheoryIfPhotosAttribute : TheoryAttribute
{
    public TheoryIfPhotosAttribute()
    {
        if (Folder is null)
            Skip = "no folder imagenet-samples in $PARRY_DATA";
    }

    /// <summary>Where the photos are; null if nowhere.</summary>
    public static string? Folder { get; } =
        Environment.GetEnvironmentVariable("PARRY_DATA") is { Length: > 0 } root
        && Path.Combine(root, "imagenet-samples") is var folder
        && Directory.Exists(folder)
            ? folder
            : null;
}
