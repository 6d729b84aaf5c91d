using System.Text.Json;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class LabelFlipTests(TrainedModels trained)
{
    [Fact]
    public async Task Each_kind_at_each_share_is_a_row_whose_numbers_fit_together()
    {
        JsonElement report = (
            await Flip(
                "--kind",
                "random",
                "targeted",
                "worst-case",
                "--share",
                "0,0.1",
                "--from",
                "2",
                "--to",
                "5",
                "--json"
            )
        ).Json();
        JsonElement[] rows = [.. report.GetProperty("rows").EnumerateArray()];

        Assert.Equal(
            ("classifier-e", 60),
            (report.GetProperty("net").GetString(), report.GetProperty("count").GetInt32())
        );
        Assert.Equal(
            [
                ("random", 0),
                ("random", 0.1),
                ("targeted", 0),
                ("targeted", 0.1),
                ("worst-case", 0),
                ("worst-case", 0.1),
            ],
            rows.Select(row => (row.GetProperty("kind").GetString()!, row.GetProperty("share").GetDouble()))
        );
        Assert.Single(rows.Select(row => row.GetProperty("clean_accuracy").GetDouble()).Distinct());
        foreach (JsonElement row in rows)
        {
            bool targeted = row.GetProperty("kind").GetString() == "targeted";
            bool none = row.GetProperty("share").GetDouble() == 0;
            Assert.Equal(targeted ? "2" : "null", row.GetProperty("from").GetRawText());
            Assert.Equal(targeted ? "5" : "null", row.GetProperty("to").GetRawText());
            Assert.Equal(targeted, row.GetProperty("clean_class_accuracy").ValueKind == JsonValueKind.Number);
            Assert.InRange(row.GetProperty("flipped").GetInt32(), none ? 0 : 5, none ? 0 : 6);

            // Without a flip it is the same training, bit for bit.
            if (!none)
                continue;
            Assert.Equal(
                row.GetProperty("clean_accuracy").GetDouble(),
                row.GetProperty("poisoned_accuracy").GetDouble()
            );
            Assert.Equal(
                row.GetProperty("clean_class_accuracy").GetRawText(),
                row.GetProperty("poisoned_class_accuracy").GetRawText()
            );
        }
    }

    [Fact]
    public async Task The_attacked_class_is_lost()
    {
        // All six labels of class 2 are flipped: nothing is left to learn it from.
        var table = await Flip("--kind", "targeted", "--from", "2", "--to", "5", "--epochs", "20");

        Assert.Equal((0, ""), (table.Code, table.Error));
        Assert.Matches(@"(?m)^ +targeted 2 to 5 +0\.1 +6/60 +100\.0 % +90\.0 % +100\.0 % +0\.0 %$", table.Output);
    }

    [Theory]
    [InlineData("--kind worst", "random or targeted or worst-case", "\"worst\"")]
    [InlineData("--share 0.1,2", "a number from 0 to 1", "\"2\"")]
    [InlineData("--share 0.1,", "a number from 0 to 1", "\"\"")]
    [InlineData("--kind targeted --from 3 --to 3", "two different classes from 0 to 9", "from=3, to=3")]
    [InlineData("--kind targeted --to 10", "two different classes from 0 to 9", "to=10")]
    [InlineData("--from -1", "--from", "at least 0", "\"-1\"")]
    [InlineData("--epochs 0", "--epochs", "at least 1")]
    [InlineData("--net z", "classifier-a", "\"z\"")]
    public async Task A_wrong_option_is_refused(string options, params string[] words) =>
        (await Flip(options.Split(' '))).Fails(2, words);

    [Fact]
    public async Task A_count_above_the_set_takes_the_whole_set_and_says_so()
    {
        var run = await Flip("--count", "65");
        Assert.Equal(0, run.Code);
        Assert.Contains("64 images", run.Output, StringComparison.Ordinal);
    }

    private Task<CommandLine.Outcome> Flip(params string[] options)
    {
        string[] defaults = ["--net", "e", "--count", "60", "--epochs", "1"];
        IEnumerable<string> kept = defaults.Chunk(2).Where(pair => !options.Contains(pair[0])).SelectMany(pair => pair);
        return CommandLine.Run([
            "label-flip",
            "--data",
            "mnist",
            "--data-dir",
            trained.Data.Folder,
            .. kept,
            .. options,
        ]);
    }
}
