using System.Text.Json;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class CertifyTests(TrainedModels trained)
{
    [Fact]
    public async Task Certified_accuracy_falls_with_the_radius_and_is_what_the_images_add_up_to()
    {
        var run = await Certify("--json", "--radii", "0,0.1,0.2,5");
        Assert.Equal((0, ""), (run.Code, run.Error));
        JsonElement report = run.Json();
        double[] accuracies =
        [
            .. report.GetProperty("accuracies").EnumerateArray().Select(row => row.GetProperty("accuracy").GetDouble()),
        ];
        var images = report
            .GetProperty("images")
            .EnumerateArray()
            .Select(image =>
                (
                    Right: image.GetProperty("class").ValueKind == JsonValueKind.Number
                        && image.GetProperty("class").GetInt32() == image.GetProperty("label").GetInt32(),
                    Radius: image.GetProperty("radius").GetDouble()
                )
            )
            .ToArray();
        Assert.Equal(12, images.Length);
        Assert.Equal(images.Count(image => image.Right) / 12.0, accuracies[0]);
        Assert.Equal(images.Count(image => image.Right && image.Radius > 0.1) / 12.0, accuracies[1]);
        Assert.Equal(accuracies.OrderDescending(), accuracies);
        Assert.True(accuracies[0] > 0.5 && accuracies[3] == 0);
    }

    [Fact]
    public async Task The_table_says_what_was_abstained_from_and_what_can_be_proven_at_most()
    {
        string output = (await Certify()).Output;
        Assert.Contains("certified accuracy", output, StringComparison.Ordinal);
        Assert.Contains("The smoothed classifier abstains on", output, StringComparison.Ordinal);
        Assert.Contains("200 votes certify a radius of at most 0.46", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--alpha", "0.7")]
    [InlineData("--radii", "0,x")]
    [InlineData("--sigma", "0")]
    public async Task Numbers_out_of_range_are_refused(string option, string value)
    {
        var run = await Certify(option, value);
        Assert.Equal(2, run.Code);
        Assert.Contains(option, run.Error, StringComparison.Ordinal);
    }

    private Task<CommandLine.Outcome> Certify(params string[] options) =>
        CommandLine.Run([
            "certify",
            .. trained.Subject(),
            "--count",
            "12",
            "--selection",
            "20",
            "--samples",
            "200",
            .. options,
        ]);
}
