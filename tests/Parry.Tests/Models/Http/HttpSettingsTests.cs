using Parry.Models.Http;

namespace Parry.Tests.Models.Http;

public class HttpSettingsTests
{
    [Fact]
    public void Every_key_is_read()
    {
        HttpSettings settings = HttpSettings.Parse(
            "batch=8,concurrency=2,timeout=1.5,retries=0,backoff=0,patience=600,budget=5000000000,"
                + "cache=answers,token-env=TOKEN,ca=ca.pem,answers=labels,output=probabilities"
        );
        Assert.Equal(
            new HttpSettings
            {
                Batch = 8,
                Concurrency = 2,
                Timeout = TimeSpan.FromSeconds(1.5),
                Retries = 0,
                Backoff = TimeSpan.Zero,
                Patience = TimeSpan.FromMinutes(10),
                Budget = 5_000_000_000,
                Cache = "answers",
                TokenVariable = "TOKEN",
                Authorities = "ca.pem",
                Answers = HttpAnswers.Labels,
                Output = "probabilities",
            },
            settings
        );
    }

    [Theory]
    [InlineData(
        "tokn-env=X",
        "its options: batch, concurrency, timeout, retries, backoff, patience, budget, cache, token-env, ca, "
            + "answers, output, template"
    )]
    [InlineData("batch", "must be of the form key=value,key=value, got \"batch\"")]
    [InlineData("batch=", "got \"\"")]
    [InlineData("cache=", "a folder")]
    [InlineData("batch=0", "batch a whole number of at least 1, got \"0\"")]
    [InlineData("batch=8,batch=9", "given twice")]
    [InlineData("timeout=0", "timeout seconds from 0.001")]
    [InlineData("timeout=NaN", "timeout seconds from 0.001")]
    [InlineData("budget=-1", "budget")]
    [InlineData("answers=gradients", "scores or labels")]
    [InlineData("", "key=value")]
    public void What_is_not_valid_is_told(string text, string told) =>
        Assert.Contains(
            told,
            Assert.Throws<UserErrorException>(() => HttpSettings.Parse(text)).Message,
            StringComparison.Ordinal
        );
}
