namespace Parry.Reports.Html;

/// <summary>A published table beside one's own numbers, as a self-contained page.</summary>
public static class ComparisonPage
{
    /// <summary>Gives the page as text.</summary>
    public static string Render(ComparisonTable table)
    {
        var html = new HtmlBuilder();
        HtmlPage.Begin(html, table.Title, moreStyle: "comparison.css");
        html.Line($"<header>");
        html.Line($"""<p class="brand">Parry beside the papers</p>""");
        html.Line($"<h1>{table.Title}</h1>");
        html.Line($"""<p class="facts">{ComparisonText.HowToRead}</p>""");
        html.Line($"</header>");
        html.Line($"<main>");
        Add(html, table);
        HtmlPage.End(html);
        return html.ToString();
    }

    private static void Add(HtmlBuilder html, ComparisonTable table)
    {
        html.Line($"<section>");
        html.Line($"""<p class="lead">{table.Source}. {table.Measure}. {table.Coverage}.</p>""");
        foreach (ComparisonFigure figure in table.Figures)
        {
            html.Add($"<figure>");
            html.AddRaw(figure.Drawing);
            html.Line($"<figcaption>{figure.Caption}</figcaption></figure>");
        }

        if (table.Rows.Count > 0)
            AddRows(html, table);
        AddNotes(html, table);
        html.Line($"</section>");
    }

    private static void AddRows(HtmlBuilder html, ComparisonTable table)
    {
        html.BeginTable("comparison");
        html.Head(["", .. table.Columns]);
        foreach (ComparisonRow row in table.Rows)
        {
            html.Add($"<tr>");
            html.Row(row.Name);
            foreach (ComparisonCell? cell in row.Cells)
                Add(html, cell);
            html.Line($"</tr>");
        }

        html.EndTable();
    }

    private static void AddNotes(HtmlBuilder html, ComparisonTable table)
    {
        html.Line($"<ul>");
        foreach (string note in table.Notes)
        {
            html.Add($"<li>");
            AddText(html, note);
            html.Line($"</li>");
        }

        html.Line($"</ul>");
        if (table.Commands.Count > 0)
        {
            html.Line($"<details><summary>The commands</summary>");
            html.Line($"<pre>{string.Join('\n', table.Commands)}</pre>");
            html.Line($"</details>");
        }
    }

    // What stands between backticks is code, as in Markdown.
    private static void AddText(HtmlBuilder html, string text)
    {
        string[] parts = text.Split('`');
        for (int i = 0; i < parts.Length; i++)
        {
            if (i % 2 == 0)
                html.Add($"{parts[i]}");
            else
                html.Add($"<code>{parts[i]}</code>");
        }
    }

    private static void Add(HtmlBuilder html, ComparisonCell? cell)
    {
        if (cell is null)
        {
            html.Add($"<td></td>");
            return;
        }

        html.Add($"""<td class="{cell.Agreement.ToString().ToLowerInvariant()}"><s>{cell.Published}</s>""");
        if (cell.Ours is not null)
            html.Add($" <b>{cell.Ours}</b>");
        if (cell.Interval is not null)
            html.Add($" <small>{cell.Interval}</small>");
        if (cell.Adaptive is not null)
            html.Add($" <em>{cell.Adaptive}</em>");
        html.Add($"<small>{cell.Verdict}</small></td>");
    }
}
