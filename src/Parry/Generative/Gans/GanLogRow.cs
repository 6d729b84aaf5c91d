namespace Parry.Generative.Gans;

/// <summary>A row of a <see cref="GanLog"/>.</summary>
/// <param name="Iteration">The last step it holds.</param>
/// <param name="Mean">The means over its steps.</param>
public sealed record GanLogRow(int Iteration, GanStep Mean)
{
    /// <summary>How many classes samples drawn at this point show; null when none were judged.</summary>
    public int? Classes { get; init; }
}
