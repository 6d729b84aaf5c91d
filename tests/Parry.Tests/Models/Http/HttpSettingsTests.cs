using Parry.Models.Http;

namespace Parry.Tests.Models.Http;

public class HttpSettingsTests
{
    [Fact]
    public void Every_key_is_read()
    {
        HttpSettings settings = HttpSettings.Parse(
            "batch=8,concurrency=2,timeout=1.5,retries=0,backoff=0,budget=5000000000,"
                + "cache=answers,token-env=TOKEN,answers=labels,output=probabilities"
        );
        Assert.Equal(
            new HttpSettings
            {
                Batch = 8,
                Concurrency = 2,
                Timeout = TimeSpan.FromSeconds(1.5),
                Retries = 0,
                Backoff = TimeSpan.Zero,
                Budget = 5_000_000_000,
                Cache = "answers",
                TokenVariable = "TOKEN",
                OnlyLabels = true,
                Output = "probabilities",
            },
            settings
        );
    }

    [Theory]
    [InlineData(
        "tokn-env=X",
        "its keys: batch, concurrency, timeout, retries, backoff, budget, cache, token-env, answers, output, template"
    )]
    [InlineData("batch", "batch has no value")]
    [InlineData("batch=", "batch has no value")]
    [InlineData("batch=0", "batch a whole number from 1 on, got \"0\"")]
    [InlineData("batch=8,batch=9", "given twice")]
    [InlineData("timeout=0", "timeout seconds above 0")]
    [InlineData("timeout=NaN", "timeout seconds above 0")]
    [InlineData("budget=-1", "budget")]
    [InlineData("answers=gradients", "scores or labels")]
    [InlineData("", "its keys")]
    public void What_is_not_valid_is_told(string text, string told) =>
        Assert.Contains(
            told,
            Assert.Throws<UserErrorException>(() => HttpSettings.Parse(text)).Message,
            StringComparison.Ordinal
        );
}
