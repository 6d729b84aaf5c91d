using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Parry.Cli.Serving;
using Parry.Models;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Cli.Tests;

public sealed class ModelServerTests : IAsyncLifetime, IDisposable
{
    private readonly HttpClient _client = new();
    private readonly FirstPixel _model = new();
    private ModelServer _server = null!;

    private Uri Infer => new($"{_server.Url}/infer");

    public async Task InitializeAsync() => _server = await ModelServer.Start(_model, "toy");

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    public void Dispose() => _client.Dispose();

    [Theory]
    [InlineData("rebound.example")]
    [InlineData("127.0.0.1.rebound.example")]
    [InlineData("0.0.0.0")]
    public async Task A_host_of_another_name_is_refused(string host)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _server.Url) { Headers = { Host = host } };
        using HttpResponseMessage answer = await _client.SendAsync(request);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
        Assert.Contains("127.0.0.1 or localhost", await Error(answer), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LocalHost:9")]
    public async Task A_forwarded_port_is_no_other_host(string host)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _server.Url) { Headers = { Host = host } };
        using HttpResponseMessage answer = await _client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("null")]
    [InlineData("https://127.0.0.1")]
    public async Task A_post_from_a_page_of_another_site_is_refused_and_asks_the_model_nothing(string origin)
    {
        using HttpRequestMessage request = Question("[0,0,0,0]");
        request.Headers.Add("Origin", origin);
        using HttpResponseMessage answer = await _client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains("another site", await Error(answer), StringComparison.Ordinal);
        Assert.Equal(0, _server.Served.Requests);
    }

    [Fact]
    public async Task A_post_from_its_own_origin_is_answered()
    {
        using HttpRequestMessage request = Question("[0,0,0,0]");
        request.Headers.Add("Origin", _server.Url.GetLeftPart(UriPartial.Authority));
        using HttpResponseMessage answer = await _client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("FFFFFFFFFFFFFFFFFFFF")]
    [InlineData("80000000")]
    [InlineData("-5")]
    [InlineData("xyz")]
    public async Task A_chunk_whose_size_is_no_size_is_a_bad_request(string size) =>
        Assert.StartsWith(
            "HTTP/1.1 400",
            await Raw($"Transfer-Encoding: chunked\r\n\r\n{size}\r\n{{}}\r\n0\r\n\r\n"),
            StringComparison.Ordinal
        );

    [Fact]
    public async Task A_declared_body_that_is_too_large_is_refused_before_it_is_sent() =>
        Assert.StartsWith("HTTP/1.1 413", await Raw("Content-Length: 268435456\r\n\r\n"), StringComparison.Ordinal);

    [Fact]
    public async Task Declared_bodies_take_no_memory_until_they_arrive()
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        var clients = new List<TcpClient>();
        for (int i = 0; i < 100; i++)
            clients.Add(await Send("Content-Length: 60000000\r\n\r\n["));
        using HttpResponseMessage answer = await _client.SendAsync(Question("[0,0,0,0]"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 3_000_000_000);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task What_all_bodies_take_together_is_bounded_and_given_back()
    {
        var bodies = new RequestBodies(1000);
        using (await Body(bodies, 600))
        {
            var refused = await Assert.ThrowsAsync<BadHttpRequestException>(() => Body(bodies, 600));
            Assert.Equal(503, refused.StatusCode);
        }

        using RequestBodies.Received second = await Body(bodies, 600);
        Assert.Equal(600, second.Bytes.Length);
    }

    [Fact]
    public async Task It_stops_within_seconds_though_clients_drip_and_the_queue_is_long()
    {
        var clients = new List<TcpClient> { await Send("Content-Length: 1000\r\n\r\n{") };
        for (int i = 0; i < 4; i++)
            clients.Add(await Send($"Content-Length: {Json("[0,0,0,0]").Length}\r\n\r\n{Json("[0,0,0,0]")}"));
        using var stop = new CancellationTokenSource();
        Task drip = Drip(clients[0], stop.Token);
        Task stopping = _server.DisposeAsync().AsTask();
        Assert.Same(stopping, await Task.WhenAny(stopping, Task.Delay(TimeSpan.FromSeconds(10))));
        await stop.CancelAsync();
        await drip;
        clients.ForEach(client => client.Dispose());
        _server = await ModelServer.Start(_model, "toy");
    }

    [Theory]
    [InlineData("12345", "image 1 of 2")]
    [InlineData("23456", "image 1 of 2")]
    [InlineData("0,0,0,0,12345", "image 2 of 2")]
    public async Task Scores_that_are_not_finite_are_an_error_in_JSON(string start, string word)
    {
        string values = string.Join(',', start.Split(',').Concat(Enumerable.Repeat("0", 8)).Take(8));
        string body = Json($"[{values}]").Replace("[1,1,2,2]", "[2,1,2,2]", StringComparison.Ordinal);
        using var content = new StringContent(body);
        using HttpResponseMessage answer = await _client.PostAsync(Infer, content);
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        string error = await Error(answer);
        Assert.Contains("not finite", error, StringComparison.Ordinal);
        Assert.Contains(word, error, StringComparison.Ordinal);

        using HttpResponseMessage next = await _client.SendAsync(Question("[0,0,0,0]"));
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
    }

    [Fact]
    public async Task Any_request_is_answered_or_refused()
    {
        int refused = 0;
        foreach (byte[] body in JsonFuzz.Of(1000, 1, Json("[0,0.5,0.25,1]")))
        {
            using var content = new ByteArrayContent(body);
            using HttpResponseMessage answer = await _client.PostAsync(Infer, content);
            if (answer.StatusCode == HttpStatusCode.OK)
                continue;
            refused++;
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.InRange((await Error(answer)).Length, 1, 1500);
        }

        Assert.InRange(refused, 200, 990);
        Assert.Equal(1000 - refused, _server.Served.Requests);
    }

    [Fact]
    public async Task Many_clients_get_their_own_answers()
    {
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 64),
            new ParallelOptions { MaxDegreeOfParallelism = 64 },
            async (client, cancellation) =>
            {
                for (int i = 0; i < 4; i++)
                {
                    string value = ((client + (100 * i)) / 512f).ToString("R", CultureInfo.InvariantCulture);
                    using HttpRequestMessage request = Question($"[{value},{value},{value},{value}]");
                    using HttpResponseMessage answer = await _client.SendAsync(request, cancellation);
                    using JsonDocument json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancellation));
                    Assert.Equal(
                        float.Parse(value, CultureInfo.InvariantCulture),
                        json.RootElement.GetProperty("outputs")[0].GetProperty("data")[0].GetSingle()
                    );
                }
            }
        );
        Assert.Equal((256, 256), _server.Served);
    }

    private static Task<RequestBodies.Received> Body(RequestBodies bodies, int length)
    {
        var context = new DefaultHttpContext();
        context.Request.Body = new MemoryStream(new byte[length]);
        return bodies.Read(context.Request, CancellationToken.None);
    }

    private static string Json(string data) =>
        $$"""{"inputs":[{"name":"images","datatype":"FP32","shape":[1,1,2,2],"data":{{data}}}]}""";

    private HttpRequestMessage Question(string data) =>
        new(HttpMethod.Post, Infer)
        {
            Content = new StringContent(Json(data), Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };

    private static async Task<string> Error(HttpResponseMessage answer)
    {
        using JsonDocument json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("error").GetString()!;
    }

    // Sends a post with these last headers and this body, and leaves the connection open.
    private async Task<TcpClient> Send(string rest)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Infer.Port);
        byte[] bytes = Encoding.ASCII.GetBytes($"POST {Infer.AbsolutePath} HTTP/1.1\r\nHost: 127.0.0.1\r\n{rest}");
        await client.GetStream().WriteAsync(bytes);
        return client;
    }

    private async Task<string> Raw(string rest)
    {
        using TcpClient client = await Send(rest);
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        return await reader.ReadLineAsync() ?? "";
    }

    private static async Task Drip(TcpClient client, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await client.GetStream().WriteAsync("  "u8.ToArray(), stop);
                await Task.Delay(5, stop);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The server has gone, or the test is over.
        }
    }

    /// <summary>Scores an image by its first pixel; two values of it give no number and infinity.</summary>
    private sealed class FirstPixel : IScorer
    {
        public const float Nowhere = 12345;
        public const float Endless = 23456;

        public ImageShape Shape => new(1, 2, 2);

        public int Classes => 2;

        public Tensor Probabilities(Images images)
        {
            using var scope = NewDisposeScope();
            Tensor first = images.Pixels.flatten(1).narrow(1, 0, 1);
            first = first.masked_fill(first.eq(Nowhere), float.NaN);
            first = first.masked_fill(first.eq(Endless), float.NegativeInfinity);
            return scope.MoveToOuter(cat([first, 1 - first], 1));
        }
    }
}
