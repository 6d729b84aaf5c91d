namespace Parry.Generative.Gans;

/// <summary>A row of a <see cref="GanLog"/>.</summary>
/// <param name="Iteration">The last of its steps.</param>
/// <param name="Mean">The means over its steps.</param>
public sealed record GanLogRow(int Iteration, GanStep Mean)
{
    /// <summary>The number of classes among samples drawn at this point; null if none were classified.</summary>
    public int? Classes { get; init; }
}
