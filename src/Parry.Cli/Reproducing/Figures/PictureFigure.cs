using System.Xml.Linq;
using Parry.Data.Images;

namespace Parry.Cli.Reproducing.Figures;

/// <summary>Draws rows of pictures with texts below them.</summary>
internal static class PictureFigure
{
    private const int Side = 160;
    private const double Gap = 10;
    private const double LineHeight = 15;
    private const int Quality = 75;

    /// <summary>Draws the rows; each has as many lines of text below it as its pictures need.</summary>
    public static string Draw(string title, IReadOnlyList<IReadOnlyList<DrawnPicture>> rows)
    {
        var shapes = new List<XElement>();
        double top = Gap;
        foreach (IReadOnlyList<DrawnPicture> row in rows)
        {
            shapes.AddRange(row.SelectMany((picture, i) => Shapes(picture, Gap + (i * (Side + Gap)), top)));
            top += Side + (row.Max(picture => picture.Lines.Count) * LineHeight) + (2 * Gap);
        }

        return Svg.Document((rows.Max(row => row.Count) * (Side + Gap)) + Gap, top, title, shapes);
    }

    private static IEnumerable<XElement> Shapes(DrawnPicture picture, double left, double top)
    {
        var (kind, file) = Encoded(picture.Shape, picture.Planes);
        yield return Svg.Image((left, top), Side, kind, file);
        foreach (var (i, line) in picture.Lines.Index())
            yield return Svg.Text((left, top + Side + ((i + 1) * LineHeight)), line);
    }

    // Photos as small JPEGs; gray sheets of digits as they are, which PNG keeps small.
    private static (string Kind, byte[] File) Encoded(ImageShape shape, byte[] planes)
    {
        if (shape.Channels == 1)
            return ("png", Png.Encode(planes, shape));
        byte[] small = Resize.Bilinear(planes, shape, Side, Side);
        return ("jpeg", Jpeg.Encode(small, shape with { Height = Side, Width = Side }, Quality));
    }
}

/// <summary>A picture with the lines of text below it.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="Planes">Its values as [C, H, W].</param>
/// <param name="Lines">The lines.</param>
internal sealed record DrawnPicture(ImageShape Shape, byte[] Planes, IReadOnlyList<string> Lines);
