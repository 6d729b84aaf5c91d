using Parry.Defenses;
using Parry.Evaluation;
using static TorchSharp.torch;

namespace Parry.Tests.Evaluation;

public sealed class DrawRuleTests
{
    [Theory]
    [InlineData("mean", DrawRuleKind.Mean, 1)]
    [InlineData("worst:5", DrawRuleKind.Worst, 5)]
    [InlineData("majority:7", DrawRuleKind.Majority, 7)]
    public void Is_read_from_text(string text, DrawRuleKind kind, int draws) =>
        Assert.Equal(new DrawRule(kind, draws), DrawRule.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("worst")]
    [InlineData("worst:0")]
    [InlineData("worst:1:2")]
    [InlineData("mean:3")]
    [InlineData("median:3")]
    [InlineData("worst:99999999999")]
    public void Refuses_other_text(string text) =>
        Assert.Contains(
            "worst:N or majority:N",
            Assert.Throws<UserErrorException>(() => DrawRule.Parse(text)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void The_worst_of_several_draws_is_below_one_draw_and_the_majority_of_rare_failures_above_it()
    {
        int mean = CleanCorrect(DrawRule.Mean);
        Assert.True(CleanCorrect(DrawRule.Parse("worst:9")) < mean);
        Assert.True(CleanCorrect(DrawRule.Parse("majority:9")) > mean);
    }

    private static int CleanCorrect(DrawRule rule)
    {
        var defense = new DefenseSpec { Name = "flaky", Purifier = new Flaky() };
        return ToyEvaluation
            .Run(defense, rule: rule)
            .Rows.Single(row => row is { Defense: "flaky", Attack: EvaluationRow.Nothing })
            .CleanCorrect;
    }

    /// <summary>Inverts three of ten images at random.</summary>
    private sealed record Flaky : IPurifier
    {
        public string Name => "flaky";

        public ImageShape Shape => ToyEvaluation.Shape;

        public GradientPath Path => GradientPath.Identity;

        public bool IsRandom => true;

        public Purified Purify(Tensor images, SampleRandom random)
        {
            Tensor inverted = (random.Uniform(0) < 0.3).reshape(-1, 1, 1, 1);
            return Purified.Of(images, where(inverted, 1 - images, images));
        }
    }
}
