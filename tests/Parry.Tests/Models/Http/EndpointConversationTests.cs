using System.IO.Compression;
using System.Text;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using static Parry.Tests.Models.Http.EndpointServer;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Http;

/// <summary>What servers say besides scores: encodings, pauses, limits and complaints in their own words.</summary>
public sealed class EndpointConversationTests : IDisposable
{
    private static readonly ImageShape s_shape = new(1, 2, 2);

    private readonly LinearClassifier _model = new(s_shape, 3, seed: 3);
    private readonly Tensor _images;

    public EndpointConversationTests()
    {
        using var random = new Generator(1);
        _images = rand([40, 1, 2, 2], generator: random).DetachFromDisposeScope();
    }

    private long[] Labels => ((IPredictor)_model).Predict(_images).ToArray<long>();

    public void Dispose() => _images.Dispose();

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public void Compressed_answers_are_asked_for_and_decoded(string encoding)
    {
        using EndpointServer plain = Of(_model);
        using var server = new EndpointServer(request =>
        {
            Assert.Contains(encoding, request.Headers["accept-encoding"], StringComparison.Ordinal);
            string answer = request.Method == "GET" ? Metadata() : Infer(_model, request.Body);
            return Status(
                "200 OK",
                Packed(encoding, Encoding.UTF8.GetBytes(answer)),
                $"Content-Encoding: {encoding}\r\n"
            );
        });
        using HttpModel remote = server.Open();
        Assert.Equal(Labels, remote.Predict(_images).ToArray<long>());
    }

    [Fact]
    public void A_small_answer_that_unpacks_to_a_huge_one_is_not_read_to_its_end()
    {
        byte[] bomb = Packed("gzip", new byte[300 << 20]);
        using EndpointServer server = Of(
            _model,
            post => post == 0 ? [] : Status("200 OK", bomb, "Content-Encoding: gzip\r\n")
        );
        using HttpModel remote = server.Open(Quick with { Retries = 0 });
        Assert.Contains("larger than 64 MiB", Failure(remote), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pause_longer_than_the_patience_ends_the_run_at_once()
    {
        using EndpointServer server = Of(
            _model,
            post => post == 0 ? [] : Status("429 Too Many Requests", "slow down", "Retry-After: 3600\r\n")
        );
        using HttpModel remote = server.Open();
        string message = Failure(remote);
        Assert.Contains("HTTP 429 \"slow down\"", message, StringComparison.Ordinal);
        Assert.Contains("again in 3,600 seconds, longer than --http patience=60", message, StringComparison.Ordinal);
        Assert.Contains("after one attempt", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pause_within_the_patience_is_kept_and_counted()
    {
        using EndpointServer server = Of(
            _model,
            post => post == 1 ? Status("503 Service Unavailable", "", "Retry-After: 1\r\n") : []
        );
        using HttpModel remote = server.Open(Quick with { Patience = TimeSpan.FromSeconds(1) });
        Assert.Equal(Labels, remote.Predict(_images).ToArray<long>());
        Assert.Equal(1, remote.Use.SecondsWaited);
        Assert.Contains("wait 1 seconds", remote.Use.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pause_is_told_when_it_begins_and_not_for_every_request()
    {
        var told = new List<string>();
        int waiting = -1;
        using EndpointServer server = Of(
            _model,
            post =>
            {
                waiting = told.Count;
                return post is 1 or 2 ? Status("429 Too Many Requests", "slow down", "Retry-After: 1\r\n") : [];
            }
        );
        using HttpModel remote = server.Open(Quick with { Concurrency = 1, Waiting = told.Add });
        Assert.Equal(Labels, remote.Predict(_images).ToArray<long>());
        string line = Assert.Single(told);
        Assert.EndsWith("HTTP 429 \"slow down\"; waiting 1 seconds, as it asks", line, StringComparison.Ordinal);
        Assert.Equal((1, 2), (waiting, remote.Use.SecondsWaited));
    }

    [Theory]
    [InlineData(1, 40)]
    [InlineData(8, 5)]
    [InlineData(32, 2)]
    [InlineData(64, 2)]
    public void A_batch_of_fixed_size_is_filled_up(int size, int posts)
    {
        var shapes = new List<long>();
        using var server = new EndpointServer(request =>
        {
            if (request.Method == "GET")
                return Ok(Metadata().Replace("[-1,", $"[{size},", StringComparison.Ordinal));
            lock (shapes)
                shapes.Add(InferenceTensor.ReadAll(request.Body, "inputs")[0].Shape[0]);
            return Ok(Infer(_model, request.Body));
        });
        using HttpModel remote = server.Open();
        Assert.Equal(Labels, remote.Predict(_images).ToArray<long>());
        Assert.Equal(1 + posts, shapes.Count);
        Assert.All(shapes, sent => Assert.Equal(size, sent));
    }

    [Fact]
    public void A_batch_of_senseless_size_points_to_a_template()
    {
        using var server = new EndpointServer(_ => Ok(Metadata().Replace("[-1,", "[0,", StringComparison.Ordinal)));
        Assert.Contains(
            "--http template=FILE",
            Assert.Throws<UserErrorException>(() => server.Open()).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("NaN", HttpAnswers.Scores)]
    [InlineData("-Infinity,NaN", HttpAnswers.Scores)]
    [InlineData("Infinity", HttpAnswers.Scores)]
    [InlineData("null", HttpAnswers.Scores)]
    [InlineData("NaN", HttpAnswers.Labels)]
    public void An_image_without_scores_has_no_class_and_the_others_keep_theirs(string value, HttpAnswers answers)
    {
        string[] given = value.Split(',');
        using var server = new EndpointServer(request =>
            Ok(request.Method == "GET" ? Metadata() : Broken(Infer(_model, request.Body), request.Body, given))
        );
        using HttpModel remote = server.Open(Quick with { Answers = answers, Batch = 40 }, s_shape, 3);
        Tensor images = cat([zeros([1, 1, 2, 2]), _images]);
        Assert.Equal([Predictions.None, .. Labels], remote.Predict(images).ToArray<long>());
        Assert.Equal(4, server.Posts);
        Assert.Equal(2, remote.Use.WithoutScores);
        Assert.Contains("for 2 of them it gave no scores", remote.Use.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpAnswers.Scores)]
    [InlineData(HttpAnswers.Labels)]
    public void A_class_that_is_ruled_out_or_has_the_score_minus_1_leaves_an_image_its_class(HttpAnswers answers)
    {
        const string Data = """{"outputs":[{"name":"y","datatype":"FP32","shape":[1,3],"data":[-Infinity,-1,-2]}]}""";
        using var server = new EndpointServer(request => Ok(request.Method == "GET" ? Metadata() : Data));
        using HttpModel remote = server.Open(Quick with { Answers = answers }, s_shape, 3);
        using Tensor image = zeros([1, 1, 2, 2]);
        Assert.Equal([1], remote.Predict(image).ToArray<long>());
        Assert.Equal(2, server.Posts);
    }

    [Fact]
    public void A_model_without_any_scores_is_told()
    {
        string none = $"[{string.Join(',', Enumerable.Repeat("NaN", 3))}]";
        using var server = new EndpointServer(request =>
            Ok(
                request.Method == "GET"
                    ? Metadata()
                    : $$"""{"outputs":[{"name":"y","datatype":"FP32","shape":[1,3],"data":{{none}}}]}"""
            )
        );
        string message = Assert.Throws<UserErrorException>(() => server.Open()).Message;
        Assert.Contains("scores that are not finite", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"NaN":[NaN,1,-Infinity],"a\"":"Infinity"}""", """{"NaN":[null,1,-3.4e38],"a\"":"Infinity"}""")]
    [InlineData("""["a\\",Infinity,"NaN\\\"",NaN]""", """["a\\",null,"NaN\\\"",null]""")]
    [InlineData("[1,2]", "[1,2]")]
    [InlineData("\"NaN\\", "\"NaN\\")]
    public void What_Python_writes_for_no_number_is_replaced_outside_of_strings(string json, string plain) =>
        Assert.Equal(plain, Encoding.UTF8.GetString(JsonNumbers.WithNulls(Encoding.UTF8.GetBytes(json))));

    // The answer with no number as the first score of an image that is black.
    private static string Broken(string answer, byte[] body, string[] given)
    {
        bool black = InferenceTensor.ReadAll(body, "inputs")[0].Numbers.Take(4).All(pixel => pixel == 0);
        if (!black)
            return answer;
        const string Data = "\"data\":[[";
        int start = answer.IndexOf(Data, StringComparison.Ordinal) + Data.Length;
        int end = start;
        foreach (string _ in given)
            end = answer.IndexOf(',', end + 1);
        return answer[..start] + string.Join(',', given) + answer[end..];
    }

    [Theory]
    [InlineData("""{"error":"no such \u001b[31mmodel"}""", "\"no such \\x1b[31mmodel\"")]
    [InlineData(
        """{"detail":[{"loc":["body","inputs",0],"msg":"field required"}]}""",
        "\"body.inputs.0: field required\""
    )]
    [InlineData("""{"code":400,"type":"Bad","message":"prediction\nfailed"}""", "\"prediction failed\"")]
    [InlineData("""{"error":{"code":3,"message":"bad key"}}""", "\"bad key\"")]
    [InlineData("<html><head><title>Bad Gateway</title></head><body>x</body></html>", "\"Bad Gateway\"")]
    [InlineData("<p>not <b>here</b></p>", "\"not here\"")]
    [InlineData("\u001b]0;owned\u0007 plain \u202e text", "\"\\x1b]0;owned\\x07 plain \\u202e text\"")]
    [InlineData("""{"unknown":1}""", "{\"unknown\":1}")]
    public void A_servers_own_words_are_quoted_without_control_characters(string body, string told)
    {
        using EndpointServer server = Of(_model, post => post == 0 ? [] : Status("403 Forbidden", body));
        using HttpModel remote = server.Open();
        string message = Failure(remote);
        Assert.Contains($"HTTP 403 ", message, StringComparison.Ordinal);
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.DoesNotContain(message, char.IsControl);
    }

    [Fact]
    public void Long_words_are_cut()
    {
        string body = $$"""{"error":"{{new string('x', 50_000)}}"}""";
        using EndpointServer server = Of(_model, post => post == 0 ? [] : Status("400 Bad Request", body));
        using HttpModel remote = server.Open();
        using Tensor one = zeros([1, 1, 2, 2]);
        Assert.InRange(Assert.Throws<EndpointException>(() => remote.Predict(one)).Message.Length, 200, 600);
    }

    [Fact]
    public void A_status_line_with_control_characters_is_shown_without_them()
    {
        using EndpointServer server = Of(
            _model,
            post => post == 0 ? [] : Encoding.ASCII.GetBytes("\u001b[31mEVIL\u001b]0;pwned\u0007 200 OK\r\n\r\n")
        );
        using HttpModel remote = server.Open();
        string message = Failure(remote);
        Assert.Contains("EVIL", message, StringComparison.Ordinal);
        Assert.DoesNotContain(message, char.IsControl);
    }

    [Theory]
    [InlineData("413 Payload Too Large", "", 8)]
    [InlineData("400 Bad Request", """{"error":"inference request batch-size must be <= 8 for 'toy'"}""", 8)]
    [InlineData("400 Bad Request", """{"error":"Task size 32 is larger than maximum input batch size 6"}""", 6)]
    [InlineData(
        "422 Unprocessable Entity",
        """{"detail":[{"loc":["body"],"msg":"List should have at most 5 items"}]}""",
        5
    )]
    [InlineData("500 Internal Server Error", "max_batch_size is 7", 7)]
    [InlineData("500 Internal Server Error", "Got invalid dimensions for input: index: 0 Got: 32 Expected: 1", 1)]
    [InlineData("507 Insufficient Storage", "CUDA out of memory", 4)]
    [InlineData("400 Bad Request", "no", 1)]
    public void A_batch_that_is_refused_is_sent_in_smaller_ones_and_remembered(string status, string body, int limit)
    {
        using EndpointServer server = Limited(_model, limit, Status(status, body));
        using HttpModel remote = server.Open(Quick with { Concurrency = 1 });
        Assert.Equal(Labels, remote.Predict(_images).ToArray<long>());
        int learned = Assert.NotNull(remote.Use.LearnedBatch);
        Assert.InRange(learned, (limit + 1) / 2, limit);
        Assert.Contains($"--http batch={learned}", remote.Use.ToString(), StringComparison.Ordinal);

        int before = server.Posts;
        Assert.Equal(Labels, remote.Predict(_images).ToArray<long>());
        Assert.Equal((40 + learned - 1) / learned, server.Posts - before);
    }

    [Fact]
    public void What_is_refused_for_one_image_too_is_told_after_few_requests()
    {
        using EndpointServer server = Of(_model, post => post == 0 ? [] : Status("422 Unprocessable Entity", "no"));
        using HttpModel remote = server.Open(Quick with { Concurrency = 1 });
        Assert.Contains("HTTP 422 \"no\"", Failure(remote), StringComparison.Ordinal);
        Assert.InRange(server.Posts, 2, 8);
    }

    [Fact]
    public void A_queue_that_is_full_is_no_limit_of_a_batch()
    {
        byte[] full = Status("503 Service Unavailable", "the batch queue is full: limit 8");
        using EndpointServer server = Of(_model, post => post is 1 or 2 ? full : []);
        using HttpModel remote = server.Open(Quick with { Concurrency = 1 });
        Assert.Equal(Labels, remote.Predict(_images).ToArray<long>());
        Assert.Null(remote.Use.LearnedBatch);
    }

    [Theory]
    [InlineData("""{"name":"toy","versions":["1"],"platform":"","inputs":[],"outputs":[]}""", "no inputs")]
    [InlineData("""{"name":"toy","platform":"","inputs":null,"outputs":null}""", "no inputs")]
    [InlineData("""{"name":"toy"}""", "no inputs")]
    [InlineData(
        """{"name":"toy","inputs":[{"name":"x","datatype":"FP32","shape":[-1,1,2,2]}],"outputs":[]}""",
        "no outputs"
    )]
    public void Metadata_that_says_nothing_points_to_a_template(string metadata, string told)
    {
        using var server = new EndpointServer(_ => Ok(metadata));
        string message = Assert.Throws<UserErrorException>(() => server.Open()).Message;
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.Contains("--http template=FILE", message, StringComparison.Ordinal);
        Assert.Contains("docs/endpoints.md", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("404 Not Found")]
    [InlineData("405 Method Not Allowed")]
    public void Metadata_that_is_not_there_points_to_a_template(string status)
    {
        using var server = new EndpointServer(_ => Status(status, """{"detail":"Not Found"}"""));
        string message = Assert.Throws<EndpointException>(() => server.Open()).Message;
        Assert.Contains(
            "\"Not Found\": give a URL …/v2/models/NAME, or --http template",
            message,
            StringComparison.Ordinal
        );
        Assert.Contains("after one attempt", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_outputs_are_listed_where_none_is_the_one()
    {
        using var server = new EndpointServer(_ => Ok(Metadata(("a", "FP32", 3), ("b", "FP32", 3), ("c", "INT64", 1))));
        string message = Assert.Throws<UserErrorException>(() => server.Open()).Message;
        Assert.Contains("a FP32 [-1, 3], b FP32 [-1, 3], c INT64 [-1, 1]", message, StringComparison.Ordinal);
        Assert.Contains("--http output=NAME", message, StringComparison.Ordinal);
        Assert.Contains(
            "no output d: its outputs are a FP32 [-1, 3]",
            Assert.Throws<UserErrorException>(() => server.Open(Quick with { Output = "d" })).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Of_several_outputs_the_one_with_a_score_for_each_class_is_read()
    {
        using var server = new EndpointServer(request =>
            Ok(
                request.Method == "GET"
                    ? Metadata(("features", "FP32", 512), ("label", "INT64", 1), ("y", "FP32", 3))
                    : Infer(_model, request.Body)
            )
        );
        using HttpModel remote = server.Open(Quick, s_shape, 3);
        Assert.Equal(Labels, remote.Predict(_images).ToArray<long>());
    }

    private string Failure(HttpModel remote) => Assert.Throws<EndpointException>(() => remote.Predict(_images)).Message;

    private static string Metadata(params (string Name, string Type, int Width)[] outputs) =>
        $$"""{"name":"toy","inputs":[{"name":"x","datatype":"FP32","shape":[-1,1,2,2]}],"outputs":[{{string.Join(',', (outputs.Length > 0 ? outputs : [("y", "FP32", 3)]).Select(output => $$"""{"name":"{{output.Name}}","datatype":"{{output.Type}}","shape":[-1,{{output.Width}}]}"""))}}]}""";

    // A server that refuses requests of more images than a limit.
    private static EndpointServer Limited(LinearClassifier model, int limit, byte[] refusal) =>
        new(request =>
            request.Method == "GET" ? Ok(Metadata())
            : InferenceTensor.ReadAll(request.Body, "inputs")[0].Shape[0] > limit ? refusal
            : Ok(Infer(model, request.Body))
        );

    private static byte[] Packed(string encoding, byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (
            Stream stream =
                encoding == "gzip"
                    ? new GZipStream(packed, CompressionLevel.Fastest)
                    : new ZLibStream(packed, CompressionLevel.Fastest)
        )
            stream.Write(bytes);
        return packed.ToArray();
    }
}
