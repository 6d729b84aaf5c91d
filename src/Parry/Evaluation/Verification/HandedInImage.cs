namespace Parry.Evaluation.Verification;

/// <summary>An adversarial image that some tool made, and the original that it belongs to.</summary>
/// <param name="Name">Its file, or the file and its place in it.</param>
/// <param name="Original">The position of its original in the set.</param>
/// <param name="Read">Reads its values.</param>
public sealed record HandedInImage(string Name, int Original, Func<HandedInValues> Read);

/// <summary>The values of an adversarial image that some tool made.</summary>
/// <param name="Values">As [C, H, W]; in [0, 1] unless the tool left them outside.</param>
/// <param name="Level">
/// The distance between two values that its file can store: 1/255 for a picture of 8 bits, 1/65535 for one of 16; 0 for
/// an array.
/// </param>
public sealed record HandedInValues(float[] Values, double Level = 0);
