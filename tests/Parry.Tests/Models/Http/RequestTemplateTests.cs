using System.Text.Json;
using Parry.Data.Images;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using static Parry.Tests.Models.Http.EndpointServer;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Http;

public sealed class RequestTemplateTests : IDisposable
{
    private static readonly ImageShape s_shape = new(3, 4, 5);

    private readonly LinearClassifier _model = new(s_shape, 4, seed: 3);
    private readonly Tensor _images;

    public RequestTemplateTests()
    {
        using var random = new Generator(1);
        _images = rand([10, 3, 4, 5], generator: random).DetachFromDisposeScope();
    }

    public void Dispose() => _images.Dispose();

    [Fact]
    public void TensorFlow_Serving_is_a_template()
    {
        using var server = new EndpointServer(request =>
            Ok($$"""{"predictions":{{Rows(_model.Logits(Nested(request, "instances").permute(0, 3, 1, 2)))}}}""")
        );
        using HttpModel remote = Open(
            server,
            """{"layout":"nhwc","body":{"signature_name":"serving_default","instances":"$images"},"scores":"$.predictions"}"""
        );
        Assert.Equal(
            _model.Logits(_images).softmax(-1).ToArray<float>(),
            ((IScorer)remote).Probabilities(_images).ToArray<float>()
        );
        Assert.Equal(2, server.Posts);
        Assert.Contains(
            "\"signature_name\":\"serving_default\"",
            System.Text.Encoding.UTF8.GetString(server.Requests.Last().Body),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Png_files_of_many_images_and_scores_among_other_things()
    {
        using var server = new EndpointServer(request =>
        {
            using var body = JsonDocument.Parse(request.Body);
            Tensor images = cat([
                .. body
                    .RootElement.GetProperty("items")
                    .EnumerateArray()
                    .Select(item =>
                    {
                        var (shape, planes) = Png.Decode(item.GetProperty("b64").GetBytesFromBase64(), 3);
                        Assert.Equal(s_shape, shape);
                        return tensor(planes, [1, 3, 4, 5]).to(ScalarType.Float32).div(255.0);
                    }),
            ]);
            float[] logits = _model.Logits(images).ToArray<float>();
            return Ok(
                $$"""{"results":[{{string.Join(',', logits.Chunk(4).Select(row => $$"""{"id":7,"classes":[{"scores":[{{string.Join(',', row)}}]}]}"""))}}]}"""
            );
        });
        using HttpModel remote = Open(
            server,
            """{"body":{"items":[{"b64":"$png"}]},"scores":"$.results[*].classes[0].scores"}"""
        );
        Assert.Equal(
            _model.Logits(Parry.Attacks.Rounding.ToBytes(_images)).softmax(-1).ToArray<float>(),
            ((IScorer)remote).Probabilities(_images).ToArray<float>()
        );
        Assert.Equal(2, server.Posts);
    }

    [Fact]
    public void An_endpoint_for_single_images_that_names_classes_shows_labels()
    {
        string[] names = ["cat", "dog", "emu", "fox"];
        using var server = new EndpointServer(request =>
        {
            Assert.Equal("/predict", request.Path);
            Assert.Equal("secret", request.Headers["x-api-key"]);
            Assert.False(request.Headers.ContainsKey("authorization"));
            Tensor image = Nested(request, "image").unsqueeze(0);
            return Ok($$"""[{"label":"{{names[(int)((IPredictor)_model).Predict(image).ToArray<long>()[0]]}}"}]""");
        });
        Environment.SetEnvironmentVariable("PARRY_TEMPLATE_TOKEN", "secret");
        const string Template =
            """{"url":"/predict","headers":{"x-api-key":"$token"},"body":{"image":"$image"},"labels":"$[0].label"}""";
        using HttpModel remote = Open(
            server,
            Template,
            Logits with
            {
                ClassNames = names,
            },
            new HttpSettings { TokenVariable = "PARRY_TEMPLATE_TOKEN" }
        );
        Assert.IsNotAssignableFrom<IScorer>(remote);
        Assert.Equal(((IPredictor)_model).Predict(_images).ToArray<long>(), remote.Predict(_images).ToArray<long>());
        Assert.Equal(1 + 10, server.Posts);
    }

    [Theory]
    [InlineData("""{"predictions":[[1,2,3,4],[1,2,3]]}""", "different lengths, 4 and 3")]
    [InlineData("""{"predictions":[[1,2,3,4]]}""", "expected 2 rows, one for each image, got 1")]
    [InlineData("""{"predictions":"none"}""", "expected 2 rows, one for each image, got 1")]
    [InlineData("""{"predictions":[["a"],["b"]]}""", "expected a number, got \"a\"")]
    [InlineData("""{"prediction":[]}""", "nothing at .predictions of $.predictions")]
    [InlineData("""{"predictions":[[1,2,3,4],[1,2,true,4]]}""", "expected a number, got true")]
    [InlineData("""{"predictions":[[1,2,3,4],[1,2,1e60,4]]}""", "float32")]
    public void Answers_of_another_form_are_told(string answer, string told)
    {
        int posts = 0;
        using var server = new EndpointServer(_ => Ok(posts++ == 0 ? """{"predictions":[[1,2,3,4]]}""" : answer));
        using HttpModel remote = Open(server, """{"body":{"instances":"$images"},"scores":"$.predictions"}""");
        using Tensor two = zeros([2, 3, 4, 5]);
        Assert.Contains(
            told,
            Assert.Throws<EndpointException>(() => remote.Predict(two)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{", "not JSON")]
    [InlineData("""{"body":{"x":"$images"}}""", "neither scores nor labels")]
    [InlineData("""{"body":{"x":1},"scores":"$"}""", "got none")]
    [InlineData("""{"body":["$image","$png"],"scores":"$"}""", "$image and $png")]
    [InlineData("""{"body":"$images","scores":"predictions"}""", "to be a path")]
    [InlineData("""{"body":"$images","scores":"$.a[x]"}""", "to be a path")]
    [InlineData("""{"body":"$images","score":"$"}""", "the keys url, headers, layout, body, scores, labels")]
    [InlineData("""{"body":"$images","scores":"$","layout":"hwc"}""", "nchw or nhwc")]
    [InlineData("""{"body":"$images","scores":"$","headers":{"a":1}}""", "not a string")]
    public void What_is_no_template_is_refused(string text, string told) =>
        Assert.Contains(
            told,
            Assert.Throws<FormatException>(() => RequestTemplate.Parse(text)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_template_leads_to_no_other_host()
    {
        using var server = new EndpointServer(_ => Ok("{}"));
        Assert.Contains(
            "same host",
            Assert
                .Throws<UserErrorException>(() =>
                    Open(server, """{"url":"http://elsewhere.invalid/","body":"$images","scores":"$"}""")
                )
                .Message,
            StringComparison.Ordinal
        );
        Assert.Empty(server.Requests);
    }

    [Fact]
    public void A_file_that_is_missing_is_told()
    {
        string message = Assert
            .Throws<UserErrorException>(() => HttpSettings.Parse("template=/nowhere/template.json"))
            .Message;
        Assert.Contains("/nowhere/template.json", message, StringComparison.Ordinal);
        Assert.Contains("$images", message, StringComparison.Ordinal);
    }

    private static HttpModel Open(
        EndpointServer server,
        string template,
        InputContract? contract = null,
        HttpSettings? settings = null
    ) =>
        HttpModel.Open(
            server.Url,
            (settings ?? new HttpSettings()) with
            {
                Template = RequestTemplate.Parse(template),
                Retries = 0,
            },
            contract ?? Logits,
            s_shape,
            4
        );

    // The nested arrays of a request as a tensor of their sizes.
    private static Tensor Nested(EndpointServer.Request request, string key)
    {
        using var body = JsonDocument.Parse(request.Body);
        var sizes = new List<long>();
        JsonElement element = body.RootElement.GetProperty(key);
        var values = new List<float>();
        JsonNumbers.Read(element, values);
        for (; element.ValueKind == JsonValueKind.Array; element = element[0])
            sizes.Add(element.GetArrayLength());
        return tensor(values.ToArray(), [.. sizes]);
    }
}
