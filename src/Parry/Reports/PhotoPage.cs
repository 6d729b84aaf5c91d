using Parry.Data.Images;

namespace Parry.Reports;

/// <summary>
/// Photos under attack as a strip of pictures and as a page that needs nothing beside it. A row is one photo under one
/// attack: the photo, then for each budget what was added, made visible, and the result.
/// </summary>
public static class PhotoPage
{
    private const int SmallestSide = 160;

    private const string Css = """
        .photo table { width: auto; }
        .photo th, .photo td { border: 0; padding: .25rem .4rem; text-align: left; vertical-align: top; font-size: .8125rem; line-height: 1.35; }
        .photo thead th { border: 0; }
        .photo td { min-width: 8.5rem; max-width: 8.5rem; box-sizing: border-box; overflow-wrap: anywhere; }
        .photo img { display: block; width: 7.7rem; height: auto; border-radius: .25rem; margin-bottom: .4rem; image-rendering: auto; }
        .photo ol { margin: 0; padding: 0; list-style: none; }
        .photo li:not(:first-child) { color: var(--soft); }
        .photo figcaption { overflow-wrap: anywhere; }
        figure.photo { margin-top: 1.25rem; }
        """;

    /// <summary>Writes <c>strip.png</c> and <c>index.html</c> into a folder and gives their paths.</summary>
    /// <exception cref="UserErrorException">The folder cannot be written to.</exception>
    public static IReadOnlyList<string> Write(PhotoReport report, string folder)
    {
        string strip = Path.Combine(folder, "strip.png"),
            page = Path.Combine(folder, "index.html");
        byte[] png = Strip(report);
        AtomicFile.Write(strip, stream => stream.Write(png));
        AtomicFile.WriteText(page, Render(report));
        return [strip, page];
    }

    /// <summary>All pictures in one PNG; rows with fewer budgets end in white.</summary>
    public static byte[] Strip(PhotoReport report)
    {
        ImageShape shape = report.Photos[0].Shape;
        byte[][][] rows =
        [
            .. report.Photos.SelectMany(photo =>
                ByAttack(photo)
                    .Select(attacks =>
                        attacks
                            .SelectMany(attack => new[] { attack.Change, attack.Adversarial })
                            .Prepend(photo.Pixels)
                            .ToArray()
                    )
            ),
        ];
        int columns = rows.Max(row => row.Length),
            scale = Math.Max(1, SmallestSide / shape.Height);
        byte[] empty = new byte[shape.Pixels];
        Array.Fill(empty, byte.MaxValue);
        byte[] all =
        [
            .. rows.SelectMany(row => row.Concat(Enumerable.Repeat(empty, columns - row.Length)))
                .SelectMany(pixels => pixels),
        ];
        return ImageGrid.EncodePng(all, shape, columns, Math.Max(1, 4 / scale), scale);
    }

    /// <summary>The page as text.</summary>
    public static string Render(PhotoReport report)
    {
        var html = new HtmlBuilder();
        html.Add(
            $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
            <title>{report.Model} under attack</title>
            <style>

            """
        );
        html.AddRaw(HtmlStyle.Css);
        html.AddRaw("\n" + Css);
        html.Add(
            $"\n</style>\n</head>\n<body>\n<header>\n<p class=\"brand\">Parry photos</p>\n<h1>{report.Model} under "
                + $"attack</h1>\n"
        );
        html.Add(
            $"<p class=\"facts\">{report.Note ?? (report.Photos.Count == 1 ? "1 photo" : $"{report.Photos.Count} photos")}</p>\n<ul class=\"headlines\">\n"
        );
        if (report.Right is { } right)
            html.Add(
                $"<li><b>{right} of {report.Photos.Count}</b><span>answers right</span><small>before any "
                    + $"attack</small></li>\n"
            );
        foreach (ChangedAnswers changed in report.Changed)
            html.Add(
                $"<li><b>{changed.Changed} of {changed.Attacked}</b><span>answers "
                    + $"changed</span><small>{ReportText.Attack(changed.Attack, changed.Norm, changed.Epsilon)}</small></li>\n"
            );
        html.Add(
            $"</ul>\n</header>\n<main>\n<h2>What it looks like</h2>\n<p class=\"lead\">Each photo with the five "
                + $"likeliest classes, then for each budget what the attack adds, made visible around gray, and "
                + $"what comes out.</p>\n"
        );
        foreach (AttackedPhoto photo in report.Photos)
        {
            foreach (PhotoAttack[] attacks in ByAttack(photo))
                Figure(html, photo, attacks);
        }

        html.Add(
            $"</main>\n<footer>Parry measures how easily an image classifier is fooled, and what helps. This page "
                + $"needs no network and sends nothing.</footer>\n</body>\n</html>\n"
        );
        return html.ToString();
    }

    private static void Figure(HtmlBuilder html, AttackedPhoto photo, PhotoAttack[] attacks)
    {
        string subject = photo.Given ? $"labeled {photo.LabelName}" : $"answered {photo.LabelName}";
        html.Add(
            $"<figure class=\"photo\">\n<figcaption>{Path.GetFileName(photo.File)}<small>{subject}; "
                + $"{ReportText.Name(attacks[0].Attack)}</small></figcaption>\n<div "
                + $"class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">Photo</th>"
        );
        foreach (PhotoAttack attack in attacks)
            html.Add(
                $"<th scope=\"col\">Change × {attack.Amplification:0.#}</th><th scope=\"col\">Attacked, "
                    + $"{ReportText.Budget(attack.Norm, attack.Epsilon)}</th>"
            );
        html.Add($"</tr></thead>\n<tbody><tr>");
        Cell(html, photo.Pixels, photo.Shape, photo.File, photo.Before, null);
        foreach (PhotoAttack attack in attacks)
        {
            if (!attack.Attacked)
            {
                html.Add($"<td colspan=\"2\"><small>Not attacked: the answer is what the attack wants.</small></td>");
                continue;
            }

            Cell(html, attack.Change, photo.Shape, "what the attack adds", null, null);
            Cell(
                html,
                attack.Adversarial,
                photo.Shape,
                $"attacked: {attack.After[0].Name}",
                attack.After,
                attack.Changed
            );
        }

        html.Add($"</tr></tbody>\n</table>\n</div>\n</figure>\n");
    }

    private static void Cell(
        HtmlBuilder html,
        byte[] pixels,
        ImageShape shape,
        string alt,
        IReadOnlyList<ClassScore>? scores,
        bool? changed
    )
    {
        html.Add(
            $"<td><img src=\"data:image/png;base64,{Convert.ToBase64String(Png.Encode(pixels, shape))}\" alt=\"{alt}\">"
        );
        if (scores is not null)
        {
            html.Add($"<ol>");
            for (int i = 0; i < scores.Count; i++)
                html.Add(
                    $"<li class=\"{(i > 0 ? "" : changed switch { true => "wrong", false => "right", null => "" })}\">{(i == 0 && changed == true ? "✗ " : i == 0 && changed == false ? "✓ " : "")}{ReportText.Likely(scores[i])}</li>"
                );
            html.Add($"</ol>");
        }

        html.Add($"</td>");
    }

    private static IEnumerable<PhotoAttack[]> ByAttack(AttackedPhoto photo) =>
        photo.Attacks.GroupBy(attack => attack.Attack).Select(group => group.ToArray());
}
