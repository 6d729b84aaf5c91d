namespace Parry.Tests.Reports;

public sealed class ChartsBundleTests
{
    private static readonly string s_bundle = ReadBundle();

    [Fact]
    public void Draws_what_a_page_marks_as_a_chart() => Assert.Contains("[data-chart]", s_bundle);

    [Theory]
    [InlineData("</script")]
    [InlineData("<!--")]
    public void Can_stand_inside_a_script_element(string breakout) =>
        Assert.DoesNotContain(breakout, s_bundle, StringComparison.OrdinalIgnoreCase);

    [Theory]
    [InlineData("vega")]
    [InlineData("vega-lite")]
    [InlineData("vega-embed")]
    [InlineData("d3-array")]
    public void Keeps_the_licenses_of_its_libraries(string library)
    {
        var licenses = s_bundle[s_bundle.LastIndexOf("/*!", StringComparison.Ordinal)..];
        Assert.Matches($@"(?m)^(.*, )?{library} \d+\.\d+\.\d+", licenses);
        Assert.Contains("Redistribution and use in source and binary forms", licenses);
    }

    private static string ReadBundle()
    {
        using var stream = typeof(UserErrorException).Assembly.GetManifestResourceStream("Parry.Reports.charts.js")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
