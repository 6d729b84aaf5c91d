using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Http;

/// <summary>
/// A server on this machine that answers as a test says, however badly. Every connection has one request and a thread
/// of its own.
/// </summary>
internal sealed class EndpointServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ManualResetEventSlim _end = new();
    private readonly Func<Request, byte[]?> _answer;
    private readonly X509Certificate2? _certificate;
    private int _connections;

    /// <summary>Starts it.</summary>
    /// <param name="answer">From a request to the bytes of the answer; null breaks the connection.</param>
    /// <param name="certificate">Its certificate if it speaks TLS; otherwise null.</param>
    public EndpointServer(Func<Request, byte[]?> answer, X509Certificate2? certificate = null)
    {
        (_answer, _certificate) = (answer, certificate);
        _listener.Start();
        string scheme = certificate is null ? "http" : "https";
        Url = new Uri($"{scheme}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v2/models/toy");
        new Thread(Listen) { IsBackground = true }.Start();
    }

    /// <summary>Settings with which a request is tried twice more, at once.</summary>
    public static HttpSettings Quick { get; } =
        new()
        {
            Backoff = TimeSpan.Zero,
            Retries = 2,
            Timeout = TimeSpan.FromSeconds(20),
        };

    public static InputContract Logits { get; } = new() { Outputs = OutputKind.Logits };

    public Uri Url { get; }

    /// <summary>How often somebody connected, whatever came of it.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public ConcurrentQueue<Request> Requests { get; } = new();

    public int Posts => Requests.Count(request => request.Method == "POST");

    /// <summary>
    /// A server of a classifier by the Open Inference Protocol, with a say before it in how each post is answered.
    /// </summary>
    public static EndpointServer Of(
        IClassifier model,
        Func<int, byte[]?>? instead = null,
        string layout = "nchw",
        string type = "FP32"
    )
    {
        int posts = 0;
        ImageShape shape = model.Shape;
        string sizes =
            layout == "nhwc"
                ? $"{shape.Height},{shape.Width},{shape.Channels}"
                : $"{shape.Channels},{shape.Height},{shape.Width}";
        string metadata =
            $$"""{"name":"toy","inputs":[{"name":"x","datatype":"{{type}}","shape":[-1,{{sizes}}]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1,{{model.Classes}}]}]}""";
        return new EndpointServer(request =>
        {
            if (request.Method == "GET")
                return Ok(metadata);
            byte[]? other = instead?.Invoke(posts++);
            if (other is null || other.Length > 0)
                return instead is null ? Ok(Infer(model, request.Body, layout, type)) : other;
            return Ok(Infer(model, request.Body, layout, type));
        });
    }

    public static string Infer(IClassifier model, byte[] body, string layout = "nchw", string type = "FP32")
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        InferenceTensor input = InferenceTensor.ReadAll(body, "inputs").Single();
        Assert.Equal(("x", type), (input.Name, input.DataType));
        Tensor images = tensor(input.Numbers, [.. input.Shape]);
        if (layout == "nhwc")
            images = images.permute(0, 3, 1, 2);
        if (type == "UINT8")
            images = images.div(255.0);
        Tensor logits = model.Logits(images);
        return $$"""{"model_name":"toy","outputs":[{"name":"y","datatype":"FP32","shape":[{{logits.size(0)}},{{logits.size(1)}}],"data":{{Rows(logits)}}}]}""";
    }

    /// <summary>A matrix as nested arrays of JSON.</summary>
    public static string Rows(Tensor matrix)
    {
        float[] values = matrix.ToArray<float>();
        IEnumerable<string> rows = values
            .Chunk((int)matrix.size(1))
            .Select(row => $"[{string.Join(',', row.Select(value => value.ToString("R")))}]");
        return $"[{string.Join(',', rows)}]";
    }

    public static byte[] Ok(string json) => Status("200 OK", json);

    public static byte[] Status(string status, string body, string headers = "") =>
        Status(status, Encoding.UTF8.GetBytes(body), headers);

    public static byte[] Status(string status, byte[] content, string headers) =>
        [
            .. Encoding.ASCII.GetBytes(
                $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: "
                    + $"{content.Length}\r\nConnection: close\r\n{headers}\r\n"
            ),
            .. content,
        ];

    /// <summary>Opens its model, whose scores are logits.</summary>
    public HttpModel Open(
        HttpSettings? settings = null,
        ImageShape? shape = null,
        int? classes = null,
        CancellationToken cancellation = default
    ) => HttpModel.Open(Url, settings ?? Quick, Logits, shape, classes, cancellation);

    /// <summary>Waits until the test ends.</summary>
    public byte[]? Hang()
    {
        _end.Wait();
        return null;
    }

    public void Dispose()
    {
        _end.Set();
        _listener.Stop();
    }

    private void Listen()
    {
        try
        {
            while (true)
            {
                TcpClient client = _listener.AcceptTcpClient();
                Interlocked.Increment(ref _connections);
                new Thread(() => Serve(client)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private void Serve(TcpClient client)
    {
        try
        {
            using (client)
            {
                Stream stream = Opened(client.GetStream());
                var head = new StringBuilder();
                while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
                {
                    if (stream.ReadByte() is var next and >= 0)
                        head.Append((char)next);
                    else
                        return;
                }

                string[] lines = head.ToString().Split("\r\n");
                var headers = lines
                    .Skip(1)
                    .Where(line => line.Contains(':', StringComparison.Ordinal))
                    .ToDictionary(line => line.Split(':')[0].ToLowerInvariant(), line => line.Split(':', 2)[1].Trim());
                var body = new byte[headers.TryGetValue("content-length", out string? length) ? int.Parse(length) : 0];
                stream.ReadExactly(body);
                var request = new Request(lines[0].Split(' ')[0], lines[0].Split(' ')[1], headers, body);
                Requests.Enqueue(request);
                if (_answer(request) is { } answer)
                    stream.Write(answer);
            }
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // Whoever asked has gone.
        }
    }

    private Stream Opened(NetworkStream stream)
    {
        if (_certificate is null)
            return stream;
        var secure = new SslStream(stream);
        secure.AuthenticateAsServer(_certificate);
        return secure;
    }

    internal sealed record Request(
        string Method,
        string Path,
        IReadOnlyDictionary<string, string> Headers,
        byte[] Body
    );
}
