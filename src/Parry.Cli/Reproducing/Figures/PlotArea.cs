using System.Xml.Linq;

namespace Parry.Cli.Reproducing.Figures;

/// <summary>The part of a drawing in which numbers in [0, 1] are places, with a frame and ticks around it.</summary>
/// <param name="Left">Its left edge.</param>
/// <param name="Top">Its upper edge.</param>
/// <param name="Width">Its width.</param>
/// <param name="Height">Its height.</param>
internal readonly record struct PlotArea(double Left, double Top, double Width, double Height)
{
    private const string Rule = "#bbb";
    private const double TextHeight = 14;
    private const double Gap = 4;

    /// <summary>The place of a point; (0, 0) is the lower left corner.</summary>
    public (double X, double Y) At(double x, double y) => (Left + (x * Width), Top + ((1 - y) * Height));

    /// <summary>The frame, ticks at 0, 0.5 and 1 of the height, and ticks and a name below.</summary>
    public IEnumerable<XElement> Frame(string name, IEnumerable<(double X, string Text)> ticks)
    {
        yield return Svg.Line([At(0, 0), At(1, 0), At(1, 1), At(0, 1), At(0, 0)], Rule);
        foreach (double y in new[] { 0, 0.5, 1 })
        {
            yield return Svg.Line([At(0, y), At(1, y)], Rule);
            yield return Svg.Text(Moved(At(0, y), -Gap, Gap), FormattableString.Invariant($"{y:0.#}"), "end");
        }

        foreach (var (x, text) in ticks)
            yield return Svg.Text(Moved(At(x, 0), 0, TextHeight), text, "middle");
        yield return Svg.Text(Moved(At(0.5, 0), 0, 2 * TextHeight), name, "middle");
    }

    private static (double X, double Y) Moved((double X, double Y) point, double right, double down) =>
        (point.X + right, point.Y + down);
}
