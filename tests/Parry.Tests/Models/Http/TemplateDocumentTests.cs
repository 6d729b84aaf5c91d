using System.Text.Json;
using System.Text.RegularExpressions;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using Parry.Tests.Repository;
using static Parry.Tests.Models.Http.EndpointServer;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Http;

/// <summary>The templates that docs/endpoints.md shows.</summary>
public sealed partial class TemplateDocumentTests
{
    private static readonly ImageShape s_shape = new(3, 224, 224);

    private static readonly string[] s_texts =
    [
        .. Blocks()
            .Matches(string.Join('\n', RepositoryFiles.Lines("docs/endpoints.md")))
            .Select(block => block.Groups[1].Value),
    ];

    public static TheoryData<string> Shown { get; } = [.. s_texts];

    [Theory]
    [MemberData(nameof(Shown))]
    public void Every_template_that_is_shown_is_one(string text) => Assert.NotNull(RequestTemplate.Parse(text).Body);

    [Fact]
    public void The_one_of_the_Open_Inference_Protocol_speaks_it()
    {
        var model = new LinearClassifier(s_shape, 4, seed: 3);
        string text = s_texts.Single(text => text.Contains("FP32", StringComparison.Ordinal));
        using var server = new EndpointServer(request =>
        {
            using JsonDocument body = JsonDocument.Parse(request.Body);
            Assert.Equal("/v2/models/resnet/infer", request.Path);
            Assert.Equal("output", body.RootElement.GetProperty("outputs")[0].GetProperty("name").GetString());
            InferenceTensor input = InferenceTensor.ReadAll(request.Body, "inputs").Single();
            Tensor logits = model.Logits(tensor(input.Numbers, [.. input.Shape]));
            return Ok(
                $$"""{"outputs":[{"name":"output","datatype":"FP32","shape":[{{logits.size(0)}},4],"data":[{{string.Join(',', logits.ToArray<float>())}}]}]}"""
            );
        });
        using HttpModel remote = HttpModel.Open(
            server.Url,
            new HttpSettings { Template = RequestTemplate.Parse(text), Retries = 0 },
            new InputContract { Outputs = OutputKind.Logits },
            s_shape,
            4
        );
        using var random = new Generator(1);
        using Tensor images = rand([5, 3, 224, 224], generator: random);
        Assert.Equal(((IPredictor)model).Predict(images).ToArray<long>(), remote.Predict(images).ToArray<long>());
        Assert.Equal(2, server.Posts);
    }

    [GeneratedRegex(@"```json\n(.*?)```", RegexOptions.Singleline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Blocks();
}
