namespace Parry.Evaluation.Verification;

/// <summary>An adversarial image that some tool made, and the original that it belongs to.</summary>
/// <param name="Name">Its file, or the file and its place in it.</param>
/// <param name="Original">The position of its original in the set.</param>
/// <param name="HasBytes">Whether it is stored with 8 bits for each value, as a PNG is.</param>
/// <param name="Read">Reads its values as [C, H, W]; in [0, 1] unless the tool left them outside.</param>
public sealed record HandedInImage(string Name, int Original, bool HasBytes, Func<float[]> Read);
