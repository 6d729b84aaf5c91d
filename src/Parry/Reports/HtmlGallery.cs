using System.Buffers.Binary;
using Parry.Evaluation;

namespace Parry.Reports;

/// <summary>The pictures of the page, as data URIs.</summary>
internal static class HtmlGallery
{
    // Below this width in pixels a picture is enlarged, and its pixels should stay sharp.
    private const int Tiny = 80;

    public static void Add(HtmlBuilder html, IReadOnlyList<GalleryRow> rows)
    {
        if (rows.Count == 0)
            return;

        html.Add(
            $"<h2>What it looks like</h2>\n<p class=\"lead\">Single images on their way through attack and defense, "
                + $"each with what the classifier says it is.</p>\n"
        );
        foreach (GalleryRow row in rows)
        {
            string caption = ReportText.Attack(row.Attack, row.Norm, row.Epsilon);
            string knowledge =
                row.Defense == EvaluationRow.Nothing
                    ? "no defense"
                    : $"{ReportText.Name(row.Defense)}, {ReportText.Knowledge(row.Threat)}";
            html.Add(
                $"<figure class=\"gallery\">\n<figcaption>{caption}<small>{knowledge}</small></figcaption>\n<div "
                    + $"class=\"scroll\">\n<table>\n<thead><tr><td></td>"
            );
            foreach (GalleryImage image in row.Images)
                html.Add($"<th scope=\"col\">{image.Label}</th>");
            html.Add($"</tr></thead>\n<tbody>\n");
            Line(html, row, "Clean", image => image.Clean);
            Line(html, row, "Attacked", image => image.Adversarial);
            Line(html, row, $"Change × {ReportText.Number(row.Amplification)}", image => image.Perturbation);
            Line(html, row, "Purified", image => image.Purified);
            html.Add($"</tbody>\n</table>\n</div>\n</figure>\n");
        }
    }

    private static void Line(HtmlBuilder html, GalleryRow row, string name, Func<GalleryImage, GalleryPicture?> pick)
    {
        if (row.Images.All(image => pick(image) is null))
            return;

        html.Add($"<tr><th scope=\"row\">{name}</th>");
        foreach (GalleryImage image in row.Images)
        {
            if (pick(image) is { } picture)
                Cell(html, picture, $"{name}: {image.Label}");
            else
                html.Add($"<td></td>");
        }

        html.Add($"</tr>\n");
    }

    private static void Cell(HtmlBuilder html, GalleryPicture picture, string alt)
    {
        html.Add(
            $"<td><img class=\"{(Width(picture.Png) < Tiny ? "tiny" : "")}\" "
                + $"src=\"data:image/png;base64,{Convert.ToBase64String(picture.Png)}\" alt=\"{alt}\">"
        );
        if (picture.Predicted is { } predicted)
            html.Add($"<span class=\"{Verdict(picture.Right)}\">{Sign(picture.Right)}{predicted}</span>");
        html.Add($"</td>");
    }

    // A PNG says its width at byte 16, in the header chunk that always comes first.
    private static int Width(byte[] png) => png.Length < 20 ? 0 : BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16));

    private static string Verdict(bool? right) =>
        right switch
        {
            true => "right",
            false => "wrong",
            null => "",
        };

    // Color alone must not carry it.
    private static string Sign(bool? right) =>
        right switch
        {
            true => "✓ ",
            false => "✗ ",
            null => "",
        };
}
