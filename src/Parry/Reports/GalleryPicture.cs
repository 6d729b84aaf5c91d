namespace Parry.Reports;

/// <summary>A picture and what the classifier says it shows.</summary>
/// <param name="Png">The PNG file's bytes.</param>
/// <param name="Predicted">The predicted label's name; null where none is asked for.</param>
/// <param name="Right">Whether the prediction is right; null where none is asked for.</param>
public sealed record GalleryPicture(byte[] Png, string? Predicted = null, bool? Right = null);
