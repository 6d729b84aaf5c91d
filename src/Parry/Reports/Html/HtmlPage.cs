namespace Parry.Reports.Html;

/// <summary>
/// The frame of every page. A page is self-contained: its style is inside, and a content security policy forbids
/// it to load anything.
/// </summary>
internal static class HtmlPage
{
    private const string Policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
    private const string ScriptPolicy = "; script-src 'unsafe-inline' 'unsafe-eval'";

    /// <summary>Begins a page up to its body.</summary>
    /// <param name="html">The page.</param>
    /// <param name="title">Its title.</param>
    /// <param name="hasScript">Whether it may run the script that it contains.</param>
    /// <param name="moreStyle">The name of a second style sheet; null for none.</param>
    public static void Begin(HtmlBuilder html, string title, bool hasScript = false, string? moreStyle = null)
    {
        html.Line($"<!doctype html>");
        html.Line($"""<html lang="en">""");
        html.Line($"<head>");
        html.Line($"""<meta charset="utf-8">""");
        html.Line($"""<meta name="viewport" content="width=device-width, initial-scale=1">""");
        html.Add($"""<meta http-equiv="Content-Security-Policy" content=""");
        html.AddRaw($"\"{Policy}{(hasScript ? ScriptPolicy : "")}\">\n");
        html.Line($"<title>{title}</title>");
        html.Line($"<style>");
        html.AddRaw(Resource("report.css"));
        if (moreStyle is not null)
            html.AddRaw(Resource(moreStyle));
        html.Line($"</style>");
        html.Line($"</head>");
        html.Line($"<body>");
    }

    /// <summary>Ends a page after its main part.</summary>
    /// <param name="html">The page.</param>
    /// <param name="script">A script to run at the end; null for none.</param>
    public static void End(HtmlBuilder html, string? script = null)
    {
        html.Line($"</main>");
        html.Add($"<footer>Parry measures how easily an image classifier is fooled, and what helps. ");
        html.Line($"This page needs no network and sends nothing.</footer>");
        if (script is not null)
        {
            html.Add($"<script>");
            html.AddRaw(Escaped(script));
            html.Line($"</script>");
        }

        html.Line($"</body>");
        html.Line($"</html>");
    }

    /// <summary>Gives a file that was built into this assembly.</summary>
    /// <exception cref="InvalidOperationException">This build does not contain the file.</exception>
    public static string Resource(string name)
    {
        string resource = $"Parry.Reports.{name}";
        using Stream stream =
            typeof(HtmlPage).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException(
                $"This build has no embedded resource {resource}. Run ./setup.sh and build again."
            );
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    // A script element ends at the first closing tag in it, even inside a string.
    private static string Escaped(string script) =>
        script
            .Replace("</script", "<\\/script", StringComparison.OrdinalIgnoreCase)
            .Replace("<!--", "<\\!--", StringComparison.Ordinal);
}
