namespace Parry.Reports.Html;

/// <summary>The parts of all tables of a page.</summary>
internal static class HtmlTable
{
    /// <summary>Begins a table that scrolls sideways where the screen is too narrow.</summary>
    /// <param name="html">The page.</param>
    /// <param name="kind">Its class in the style sheet; null for none.</param>
    /// <param name="caption">Its caption; null for none.</param>
    public static void BeginTable(this HtmlBuilder html, string? kind = null, string? caption = null)
    {
        html.Line($"""<div class="scroll">""");
        if (kind is null)
            html.Line($"<table>");
        else
            html.Line($"""<table class="{kind}">""");
        if (caption is not null)
            html.Line($"<caption>{caption}</caption>");
        html.Add($"<thead>");
    }

    /// <summary>Ends the head of a table.</summary>
    public static void BeginBody(this HtmlBuilder html)
    {
        html.Line($"</thead>");
        html.Line($"<tbody>");
    }

    /// <summary>Ends a table.</summary>
    public static void EndTable(this HtmlBuilder html)
    {
        html.Line($"</tbody>");
        html.Line($"</table>");
        html.Line($"</div>");
    }

    /// <summary>Adds a head of one row, and begins the body.</summary>
    public static void Head(this HtmlBuilder html, params IEnumerable<string> columns)
    {
        html.Add($"<tr>");
        foreach (string column in columns)
            html.Column(column);
        html.Add($"</tr>");
        html.BeginBody();
    }

    /// <summary>Adds the name of a column, with a remark below it.</summary>
    public static void Column(this HtmlBuilder html, string name, string? remark = null)
    {
        html.Add($"""<th scope="col">{name}""");
        html.Small(remark);
        html.Add($"</th>");
    }

    /// <summary>Adds the name of a column of numbers.</summary>
    public static void RightColumn(this HtmlBuilder html, string name) =>
        html.Add($"""<th scope="col" class="r">{name}</th>""");

    /// <summary>Adds the name of a row, with a remark below it.</summary>
    public static void Row(this HtmlBuilder html, string name, string? remark = null)
    {
        html.Add($"""<th scope="row">{name}""");
        html.Small(remark);
        html.Add($"</th>");
    }

    /// <summary>Adds a cell of text, with a remark below it.</summary>
    public static void Cell(this HtmlBuilder html, string text, string? remark = null)
    {
        html.Add($"<td>{text}");
        html.Small(remark);
        html.Add($"</td>");
    }

    /// <summary>Adds a number, with a remark below it.</summary>
    public static void Number(this HtmlBuilder html, string number, string? remark = null)
    {
        html.Add($"""<td class="number">{number}""");
        html.Small(remark);
        html.Add($"</td>");
    }

    /// <summary>Adds a number that ends at the right, with its counts beside it.</summary>
    public static void RightNumber(this HtmlBuilder html, string number, string? counts = null)
    {
        html.Add($"""<td class="r">{number}""");
        if (counts is not null)
            html.Add($" <small>{counts}</small>");
        html.Add($"</td>");
    }

    private static void Small(this HtmlBuilder html, string? remark)
    {
        if (remark is not null)
            html.Add($"<small>{remark}</small>");
    }
}
