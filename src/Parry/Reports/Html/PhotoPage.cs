using Parry.Data.Images;

namespace Parry.Reports.Html;

/// <summary>
/// Photos under attack as a strip of pictures and as a self-contained page. A row is one photo under one attack: the
/// photo, then for each budget the amplified perturbation and the attacked photo.
/// </summary>
public static class PhotoPage
{
    private const int SmallestSide = 160;
    private const string StripName = "strip.png";
    private const string PageName = "index.html";

    /// <summary>The names of the files that it writes.</summary>
    public static IReadOnlyList<string> FileNames { get; } = [StripName, PageName];

    /// <summary>Writes <c>strip.png</c> and <c>index.html</c> into a folder and gives their paths.</summary>
    /// <exception cref="UserErrorException">The folder cannot be written to.</exception>
    public static IReadOnlyList<string> Write(PhotoReport report, string folder)
    {
        string strip = Path.Combine(folder, StripName);
        string page = Path.Combine(folder, PageName);
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
            .. report.Photos.SelectMany(photo => ByAttack(photo).Select(attacks => Row(photo, attacks))),
        ];
        int columns = rows.Max(row => row.Length);
        int scale = Math.Max(1, SmallestSide / shape.Height);
        int gap = Math.Max(1, 4 / scale);
        byte[] empty = new byte[shape.Pixels];
        Array.Fill(empty, byte.MaxValue);
        IEnumerable<byte[]> cells = rows.SelectMany(row => row.Concat(Enumerable.Repeat(empty, columns - row.Length)));
        return ImageGrid.EncodePng([.. cells.SelectMany(pixels => pixels)], shape, columns, gap, scale);

        static byte[][] Row(AttackedPhoto photo, PhotoAttack[] attacks) =>
            [photo.Pixels, .. attacks.SelectMany(attack => new[] { attack.Change, attack.Adversarial })];
    }

    /// <summary>The page as text.</summary>
    public static string Render(PhotoReport report)
    {
        var html = new HtmlBuilder();
        HtmlPage.Begin(html, $"{report.Model} under attack", moreStyle: "photos.css");
        Header(html, report);
        html.Line($"<main>");
        html.Line($"<h2>What it looks like</h2>");
        html.Add($"""<p class="lead">Each photo with its five most likely classes, then for each budget the """);
        html.Line($"perturbation, amplified around gray, and the attacked photo.</p>");
        foreach (AttackedPhoto photo in report.Photos)
        {
            foreach (PhotoAttack[] attacks in ByAttack(photo))
                Figure(html, photo, attacks);
        }

        HtmlPage.End(html);
        return html.ToString();
    }

    private static void Header(HtmlBuilder html, PhotoReport report)
    {
        string photos = report.Photos.Count == 1 ? "1 photo" : $"{report.Photos.Count} photos";
        html.Line($"<header>");
        html.Line($"""<p class="brand">Parry photos</p>""");
        html.Line($"<h1>{report.Model} under attack</h1>");
        html.Line($"""<p class="facts">{report.Note ?? photos}</p>""");
        html.Line($"""<ul class="headlines">""");
        if (report.Right is { } right)
            Headline(html, $"{right} of {report.Photos.Count}", "classified correctly", "before any attack");
        foreach (ChangedAnswers changed in report.Changed)
        {
            string attack = ReportText.Attack(changed.Attack, changed.Norm, changed.Epsilon);
            Headline(html, $"{changed.Changed} of {changed.Attacked}", "predictions changed", attack);
        }

        html.Line($"</ul>");
        html.Line($"</header>");
    }

    private static void Headline(HtmlBuilder html, string value, string text, string detail) =>
        html.Line($"<li><b>{value}</b><span>{text}</span><small>{detail}</small></li>");

    private static void Figure(HtmlBuilder html, AttackedPhoto photo, PhotoAttack[] attacks)
    {
        string subject = photo.Given ? $"labeled {photo.LabelName}" : $"classified as {photo.LabelName}";
        html.Line($"""<figure class="photo">""");
        html.Add($"<figcaption>{Path.GetFileName(photo.File)}<small>{subject}; ");
        html.Line($"{ReportText.Name(attacks[0].Attack)}</small></figcaption>");
        html.BeginTable();
        html.Add($"<tr>");
        html.Column("Photo");
        foreach (PhotoAttack attack in attacks)
        {
            html.Add($"""<th scope="col">Change × {attack.Amplification:0.#}</th>""");
            html.Column($"Attacked, {ReportText.Budget(attack.Norm, attack.Epsilon)}");
        }

        html.Line($"</tr></thead>");
        html.Add($"<tbody><tr>");
        Picture(html, photo, photo.Pixels, photo.File);
        Scores(html, photo.Before, null);
        html.Add($"</td>");
        foreach (PhotoAttack attack in attacks)
            Attacked(html, photo, attack);
        html.Line($"</tr></tbody>");
        html.Line($"</table>");
        html.Line($"</div>");
        html.Line($"</figure>");
    }

    private static void Attacked(HtmlBuilder html, AttackedPhoto photo, PhotoAttack attack)
    {
        if (!attack.Attacked)
        {
            html.Add($"""<td colspan="2"><small>Not attacked: the photo already meets the goal.</small></td>""");
            return;
        }

        Picture(html, photo, attack.Change, "the perturbation");
        html.Add($"</td>");
        Picture(html, photo, attack.Adversarial, $"attacked: {attack.After[0].Name}");
        Scores(html, attack.After, attack.Changed);
        html.Add($"</td>");
    }

    // The cell stays open.
    private static void Picture(HtmlBuilder html, AttackedPhoto photo, byte[] pixels, string alt)
    {
        string data = Convert.ToBase64String(Png.Encode(pixels, photo.Shape));
        html.Add($"""<td><img src="data:image/png;base64,{data}" alt="{alt}">""");
    }

    private static void Scores(HtmlBuilder html, IReadOnlyList<ClassScore> scores, bool? changed)
    {
        var (verdict, sign) = changed switch
        {
            true => ("wrong", "✗ "),
            false => ("right", "✓ "),
            null => ("", ""),
        };
        html.Add($"<ol>");
        html.Add($"""<li class="{verdict}">{sign}{ReportText.Likely(scores[0])}</li>""");
        foreach (ClassScore score in scores.Skip(1))
            html.Add($"""<li class="">{ReportText.Likely(score)}</li>""");
        html.Add($"</ol>");
    }

    private static IEnumerable<PhotoAttack[]> ByAttack(AttackedPhoto photo) =>
        photo.Attacks.GroupBy(attack => attack.Attack).Select(group => group.ToArray());
}
