using System.Buffers.Binary;
using Parry.Evaluation;

namespace Parry.Reports.Html;

/// <summary>The pictures of the page, as data URIs.</summary>
internal static class HtmlGallery
{
    // Below this width in pixels a picture is enlarged, and its pixels should stay sharp.
    private const int Tiny = 80;

    /// <summary>Adds a figure for each attack; nothing without pictures.</summary>
    public static void Add(HtmlBuilder html, IReadOnlyList<GalleryRow> rows)
    {
        if (rows.Count == 0)
            return;

        html.Line($"<h2>What it looks like</h2>");
        html.Line(
            $"""<p class="lead">Single images through attack and defense, with the classifier's predictions.</p>"""
        );
        foreach (GalleryRow row in rows)
            Figure(html, row);
    }

    private static void Figure(HtmlBuilder html, GalleryRow row)
    {
        string caption = ReportText.Attack(row.Attack, row.Norm, row.Epsilon);
        string knowledge =
            row.Defense == EvaluationRow.Nothing
                ? "no defense"
                : $"{ReportText.Name(row.Defense)}, {ReportText.Knowledge(row.Threat)}";
        html.Line($"""<figure class="gallery">""");
        html.Line($"<figcaption>{caption}<small>{knowledge}</small></figcaption>");
        html.BeginTable();
        html.Add($"<tr><td></td>");
        foreach (GalleryImage image in row.Images)
            html.Column(image.Label);
        html.Add($"</tr>");
        html.BeginBody();
        Line(html, row, "Clean", image => image.Clean);
        Line(html, row, "Attacked", image => image.Adversarial);
        Line(html, row, $"Change × {ReportText.Number(row.Amplification)}", image => image.Perturbation);
        Line(html, row, "Purified", image => image.Purified);
        html.EndTable();
        html.Line($"</figure>");
    }

    private static void Line(HtmlBuilder html, GalleryRow row, string name, Func<GalleryImage, GalleryPicture?> pick)
    {
        if (row.Images.All(image => pick(image) is null))
            return;

        html.Add($"<tr>");
        html.Row(name);
        foreach (GalleryImage image in row.Images)
        {
            if (pick(image) is { } picture)
                Cell(html, picture, $"{name}: {image.Label}");
            else
                html.Cell("");
        }

        html.Line($"</tr>");
    }

    private static void Cell(HtmlBuilder html, GalleryPicture picture, string alt)
    {
        string kind = Width(picture.Png) < Tiny ? "tiny" : "";
        string data = Convert.ToBase64String(picture.Png);
        html.Add($"""<td><img class="{kind}" src="data:image/png;base64,{data}" alt="{alt}">""");
        if (picture.Predicted is { } predicted)
        {
            // The color alone must not carry the meaning.
            var (verdict, sign) = picture.Right switch
            {
                true => ("right", "✓ "),
                false => ("wrong", "✗ "),
                null => ("", ""),
            };
            html.Add($"""<span class="{verdict}">{sign}{predicted}</span>""");
        }

        html.Add($"</td>");
    }

    // A PNG stores its width at byte 16, in the header chunk, which always comes first.
    private static int Width(byte[] png) => png.Length < 20 ? 0 : BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16));
}
