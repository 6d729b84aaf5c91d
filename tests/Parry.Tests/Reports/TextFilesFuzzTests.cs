using System.Text;
using Parry.Generative.Gans;
using Parry.Models.Http;
using Parry.Reports;
using Parry.Tests.Data;

namespace Parry.Tests.Reports;

/// <summary>Text files that Parry reads besides models and images, damaged in every way.</summary>
public sealed class TextFilesFuzzTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void A_damaged_report_is_refused_or_read() =>
        Run(JsonReport.Render(SampleReport.Full()), path => JsonReport.Read(path), perByte: 200);

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void A_damaged_template_is_refused_or_read() =>
        Run(
            """{"body": {"inputs": [{"shape": [2, 3], "data": "$images"}]}, "scores": "$.outputs[0].data"}""",
            path => RequestTemplate.Load(path),
            perByte: 1000
        );

    [Fact]
    [Trait("Kind", "Fuzz")]
    public void A_damaged_log_of_a_training_is_refused_or_read()
    {
        var log = new GanLog();
        for (int i = 1; i < 45; i++)
            log.Add(i, new GanStep(1.0 / i, i, 3, 4));
        Run(
            log.State,
            path =>
            {
                try
                {
                    GanLog.Parse(File.ReadAllText(path));
                }
                catch (Exception e) when (e is FormatException or OverflowException)
                {
                    // As a resumed training says it.
                    throw new UserErrorException(e.Message, e);
                }
            },
            perByte: 1000
        );
    }

    private void Run(string sample, Action<string> read, int perByte) =>
        Fuzz.Run(
            [Encoding.UTF8.GetBytes(sample)],
            length => 4_000_000 + (perByte * length),
            file => read(_folder.Write("file", file))
        );
}
