using System.Text;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using static Parry.Tests.Models.Http.EndpointServer;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Http;

public sealed class EndpointFailureTests
{
    private static readonly ImageShape s_shape = new(1, 2, 2);

    private readonly LinearClassifier _model = new(s_shape, 3, seed: 3);

    public static TheoryData<string, string> Misbehavior { get; } =
        new()
        {
            { "dies", "the connection failed" },
            { "500", "HTTP 500 \"out of memory\"" },
            { "503", "HTTP 503" },
            { "408", "HTTP 408" },
            { "429", "HTTP 429" },
            { "html", "not JSON" },
            { "empty", "not JSON" },
            { "cut", "not JSON" },
            { "half", "the connection failed" },
            { "huge number", "outside the range of float32" },
            { "text", "contains strings" },
            { "too few", "for 1 image" },
            { "too many", "for 1 image" },
            { "wrong count", "elements" },
            { "wider", "expected 3 numbers for each image as before" },
            { "nothing", "no \"outputs\"" },
            { "other output", "no output \"y\"" },
            { "binary", "lacks its data" },
            { "gigantic", "larger than 64 MiB" },
        };

    private static readonly Lazy<byte[]> s_gigantic = new(() =>
        Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[{new string('1', 65 << 20)}]")
    );

    [Theory]
    [MemberData(nameof(Misbehavior))]
    public void What_passes_is_asked_again_and_what_stays_is_one_clear_line(string kind, string told)
    {
        // The first post is the look at the answers; then the model stumbles twice, and later for good.
        using EndpointServer server = Of(_model, post => post is 1 or 2 or >= 4 ? Bad(kind) : []);
        using HttpModel remote = server.Open();
        using Tensor image = full([1, 1, 2, 2], 0.3);
        using Tensor other = full([1, 1, 2, 2], 0.7);
        Assert.Equal(((IPredictor)_model).Predict(image).ToArray<long>(), remote.Predict(image).ToArray<long>());
        Assert.Equal(4, server.Posts);

        string message = Assert.Throws<EndpointException>(() => remote.Predict(other)).Message;
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.Contains($"{server.Url}/infer", message, StringComparison.Ordinal);
        Assert.Contains("after 3 attempts; 2 images were answered", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        Assert.InRange(message.Length, 50, 600);
        Assert.Equal(7, server.Posts);

        // A model that failed for good is not asked again.
        Assert.Throws<EndpointException>(() => remote.Predict(image));
        Assert.Equal(7, server.Posts);
    }

    [Theory]
    [InlineData("400 Bad Request", "{\"error\":\"wrong\\nshape\"}", "", "HTTP 400 \"wrong shape\"")]
    [InlineData("401 Unauthorized", "", "", "HTTP 401")]
    [InlineData(
        "307 Temporary Redirect",
        "",
        "Location: http://elsewhere.invalid/\r\n",
        "to http://elsewhere.invalid/, which is not followed"
    )]
    public void What_will_not_pass_is_not_asked_again(string status, string body, string headers, string told)
    {
        using EndpointServer server = Of(_model, post => post == 0 ? [] : Status(status, body, headers));
        using HttpModel remote = server.Open();
        using Tensor image = zeros([1, 1, 2, 2]);
        string message = Assert.Throws<EndpointException>(() => remote.Predict(image)).Message;
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.Contains("after one attempt", message, StringComparison.Ordinal);
        Assert.Equal(2, server.Posts);
    }

    [Fact]
    public void A_server_that_hangs_is_left_after_the_timeout()
    {
        EndpointServer? hanging = null;
        using EndpointServer server = hanging = Of(_model, post => post == 0 ? [] : hanging!.Hang());
        using HttpModel remote = server.Open(Quick with { Timeout = TimeSpan.FromSeconds(0.5), Retries = 1 });
        using Tensor image = zeros([1, 1, 2, 2]);
        Assert.Contains(
            "no answer within 0.5 seconds, after 2 attempts",
            Assert.Throws<EndpointException>(() => remote.Predict(image)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_server_that_is_not_there_and_one_that_speaks_otherwise_say_so()
    {
        Uri gone;
        using (EndpointServer server = Of(_model))
            gone = server.Url;
        Assert.Contains(
            "after 3 attempts; 0 images were answered",
            Assert.Throws<EndpointException>(() => HttpModel.Open(gone, Quick, Logits)).Message,
            StringComparison.Ordinal
        );
        using var page = new EndpointServer(_ => Ok("<html>hello</html>"));
        string message = Assert.Throws<EndpointException>(() => page.Open()).Message;
        Assert.Contains("<html>hello</html>", message, StringComparison.Ordinal);
        Assert.Contains("/v2/models/NAME", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Stopping_ends_the_wait()
    {
        using var stop = new CancellationTokenSource();
        EndpointServer? hanging = null;
        using EndpointServer server = hanging = Of(
            _model,
            post =>
            {
                if (post == 0)
                    return [];
                stop.Cancel();
                return hanging!.Hang();
            }
        );
        using HttpModel remote = server.Open(cancellation: stop.Token);
        using Tensor image = zeros([1, 1, 2, 2]);
        Assert.ThrowsAny<OperationCanceledException>(() => remote.Predict(image));
    }

    [Fact]
    public void A_server_that_names_a_pause_gets_it()
    {
        using EndpointServer server = Of(
            _model,
            post => post == 1 ? Status("429 Too Many Requests", "{}", "Retry-After: 1\r\n") : []
        );
        using HttpModel remote = server.Open();
        using Tensor image = zeros([1, 1, 2, 2]);
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        remote.Predict(image).Dispose();
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(start) >= TimeSpan.FromSeconds(0.9));
    }

    private static byte[]? Bad(string kind) =>
        kind switch
        {
            "dies" => null,
            "500" => Status("500 Internal Server Error", "out of\n\n memory"),
            "503" => Status("503 Service Unavailable", ""),
            "408" => Status("408 Request Timeout", ""),
            "429" => Status("429 Too Many Requests", "{}", "Retry-After: 0\r\n"),
            "html" => Ok("<html>busy</html>"),
            "empty" => Ok(""),
            "cut" => Ok(Scores("1,3", "[1,2,3]")[..^10]),
            "half" => Ok(Scores("1,3", "[1,2,3]"))[..^10],
            "huge number" => Ok(Scores("1,3", "[1,2,1e99]")),
            "text" => Ok(Scores("1,3", "[\"a\",\"b\",\"c\"]")),
            "too few" => Ok(Scores("0,3", "[]")),
            "too many" => Ok(Scores("2,3", "[[1,2,3],[4,5,6]]")),
            "wrong count" => Ok(Scores("1,3", "[1,2]")),
            "wider" => Ok(Scores("1,4", "[1,2,3,4]")),
            "nothing" => Ok("{\"error\":\"model is loading\"}"),
            "other output" => Ok(Scores("1,3", "[1,2,3]").Replace("\"y\"", "\"z\"", StringComparison.Ordinal)),
            "binary" => Ok(
                """
                {"outputs":[{"name":"y","datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}}]}
                """
            ),
            _ => s_gigantic.Value,
        };

    private static string Scores(string shape, string data) =>
        $$"""{"outputs":[{"name":"y","datatype":"FP32","shape":[{{shape}}],"data":{{data}}}]}""";
}
