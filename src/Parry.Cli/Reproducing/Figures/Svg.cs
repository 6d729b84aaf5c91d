using System.Xml.Linq;

namespace Parry.Cli.Reproducing.Figures;

/// <summary>The few shapes of SVG that figures are drawn with. Coordinates are pixels from the top left.</summary>
internal static class Svg
{
    private static readonly XNamespace s_space = "http://www.w3.org/2000/svg";

    /// <summary>A drawing, on white so that it stays readable on a dark page.</summary>
    public static string Document(double width, double height, string title, IEnumerable<XElement> shapes)
    {
        XElement drawing = Shape(
            "svg",
            ("width", width),
            ("height", height),
            ("viewBox", $"0 0 {width:0} {height:0}"),
            ("role", "img"),
            ("font-family", "sans-serif"),
            ("font-size", 12)
        );
        XElement paper = Shape("rect", ("width", "100%"), ("height", "100%"), ("fill", "white"));
        drawing.Add(new XElement(s_space + "title", PlainText.Escape(title)), paper, shapes);
        return drawing.ToString(SaveOptions.DisableFormatting) + "\n";
    }

    /// <summary>A text that starts, has its middle or ends at a point.</summary>
    public static XElement Text((double X, double Y) at, string text, string anchor = "start")
    {
        XElement shape = Shape("text", ("x", Pixel(at.X)), ("y", Pixel(at.Y)), ("text-anchor", anchor));
        shape.Add(PlainText.Escape(text));
        return shape;
    }

    /// <summary>A line through points.</summary>
    public static XElement Line(IEnumerable<(double X, double Y)> points, string color, bool dashed = false) =>
        Shape(
            "polyline",
            (
                "points",
                string.Join(
                    ' ',
                    points.Select(point => FormattableString.Invariant($"{Pixel(point.X)},{Pixel(point.Y)}"))
                )
            ),
            ("fill", "none"),
            ("stroke", color),
            ("stroke-width", 1.5),
            ("stroke-dasharray", dashed ? "4 3" : "none")
        );

    /// <summary>A dot.</summary>
    public static XElement Dot((double X, double Y) at, string color) =>
        Shape("circle", ("cx", Pixel(at.X)), ("cy", Pixel(at.Y)), ("r", 3), ("fill", color));

    /// <summary>A picture that is part of the drawing.</summary>
    /// <param name="at">Its upper left corner.</param>
    /// <param name="side">Its width and height.</param>
    /// <param name="kind">What it is, such as <c>png</c>.</param>
    /// <param name="file">The encoded picture.</param>
    public static XElement Image((double X, double Y) at, double side, string kind, byte[] file) =>
        Shape(
            "image",
            ("x", Pixel(at.X)),
            ("y", Pixel(at.Y)),
            ("width", side),
            ("height", side),
            ("href", $"data:image/{kind};base64,{Convert.ToBase64String(file)}")
        );

    private static XElement Shape(string name, params (string Name, object Value)[] attributes) =>
        new(s_space + name, attributes.Select(attribute => new XAttribute(attribute.Name, attribute.Value)));

    private static double Pixel(double value) => Math.Round(value, 1);
}
