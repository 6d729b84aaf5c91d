using System.Text.Json.Nodes;
using Parry.Evaluation;
using Parry.Reports;
using static Parry.Tests.Reports.SampleReport;

namespace Parry.Tests.Reports;

public sealed class JsonReportTests : IDisposable
{
    private readonly string _path = Path.Combine(
        Directory.CreateTempSubdirectory("parry-json-").FullName,
        "report.json"
    );

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Fact]
    public void Rows_hold_exactly_the_promised_names()
    {
        string[] names =
        [
            .. JsonNode.Parse(JsonReport.Render(Full()))!["rows"]![0]!.AsObject().Select(property => property.Key),
        ];
        string[] expected =
        [
            "model",
            "data",
            "attack",
            "norm",
            "epsilon",
            "defense",
            "threat",
            "is_known_break",
            "count",
            "clean_accuracy",
            "robust_accuracy",
            "robust_low",
            "robust_high",
            "success_rate",
            "median_distance",
            "gradients",
            "queries",
            "seconds",
            "seed",
            "clean_correct",
            "robust_correct",
            "attacked",
            "succeeded",
            "survive_rounding",
            "refused",
        ];
        Assert.Equal(expected, names);
    }

    [Fact]
    public void Says_its_version_and_names_threats_in_lower_case()
    {
        JsonNode json = JsonNode.Parse(JsonReport.Render(Full()))!;
        Assert.Equal(3, (int)json["schema_version"]!);
        Assert.Equal(
            ["grey-box", "none", "white-box"],
            json["rows"]!.AsArray().Select(row => (string)row!["threat"]!).Distinct().Order()
        );
    }

    [Fact]
    public void Infinity_and_an_empty_denominator_are_null()
    {
        EvaluationRow row = Row("pgd", 0.1, "none", Threat.None, 185) with
        {
            MedianDistance = double.PositiveInfinity,
            Attacked = 0,
        };
        JsonNode json = JsonNode.Parse(JsonReport.Render(Of(row)))!["rows"]![0]!;
        Assert.True(json.AsObject().ContainsKey("median_distance"));
        Assert.Null(json["median_distance"]);
        Assert.Null(json["success_rate"]);
    }

    [Fact]
    public void A_report_read_back_is_the_report_written()
    {
        EvaluationReport report = Full();
        JsonReport.Write(report, _path);
        EvaluationReport back = JsonReport.Read(_path);
        Assert.Equal(report.Rows, back.Rows);
        Assert.Equal(report.Times, back.Times);
        Assert.Equal(report.Created, back.Created);
        Assert.Equal(Png, back.Gallery[0].Images[0].Purified!.Png);
        Assert.Equal(JsonReport.Render(report), JsonReport.Render(back));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"schema_version\": 4}")]
    [InlineData("{\"schema_version\": \"3\"}")]
    [InlineData("{\"schema_version\": 3}")]
    public void Other_documents_are_refused_in_one_line(string text)
    {
        File.WriteAllText(_path, text);
        string message = Assert.Throws<UserErrorException>(() => JsonReport.Read(_path)).Message;
        Assert.Contains("is not a report.json", message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"count\": 200", "\"count\": 0")]
    [InlineData("\"robust_correct\": 185", "\"robust_correct\": 201")]
    [InlineData("\"threat\": \"none\"", "\"threat\": 9")]
    [InlineData("\"rocs\": [", "\"rocs\": null, \"other\": [")]
    public void Impossible_values_are_refused(string from, string to)
    {
        string text = JsonReport.Render(Full());
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(_path, text.Replace(from, to, StringComparison.Ordinal));
        Assert.Throws<UserErrorException>(() => JsonReport.Read(_path));
    }

    [Fact]
    public void A_document_cut_anywhere_or_with_a_changed_byte_never_crashes()
    {
        byte[] good = System.Text.Encoding.UTF8.GetBytes(
            JsonReport.Render(Of(Row("pgd", 0.1, "none", Threat.None, 3)) with { Gallery = [Gallery()] })
        );
        var random = new Random(1);
        for (int i = 0; i < 1000; i++)
        {
            byte[] bad = i % 2 == 0 ? good[..random.Next(good.Length - 1)] : [.. good];
            if (bad.Length > 0)
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(_path, bad);
            Exception? error = Record.Exception(() => JsonReport.Read(_path));
            Assert.True(error is null or UserErrorException, error?.ToString());
        }
    }

    [Fact]
    public void A_missing_file_is_the_users_error() => Assert.Throws<UserErrorException>(() => JsonReport.Read(_path));
}
