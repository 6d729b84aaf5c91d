using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Parry.Cli.Tests;

/// <summary>Models behind a proxy, which is named when it fails, and behind servers that ask to wait.</summary>
public sealed class ProxyTests : IDisposable
{
    private readonly TcpListener _proxy = new(IPAddress.Loopback, 0);

    public ProxyTests() => _proxy.Start();

    public void Dispose() => _proxy.Dispose();

    [Theory]
    [InlineData("http", "HTTP 407", "the proxy asks for a name and a password")]
    [InlineData("https", "the connection through the proxy", "NO_PROXY=models.example")]
    public async Task A_proxy_that_wants_a_password_is_named(string scheme, params string[] told)
    {
        Task<int> asked = Refuse("407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"");
        string address = $"127.0.0.1:{((IPEndPoint)_proxy.LocalEndpoint).Port}";
        using Process process = CommandLine.Start(
            CommandLine.ProgramFolder,
            new Dictionary<string, string>
            {
                ["http_proxy"] = $"http://{address}",
                ["https_proxy"] = $"http://{address}",
                ["no_proxy"] = "",
            },
            "model",
            "inspect",
            $"{scheme}://models.example/v2/models/toy"
        );
        CommandLine.Outcome end = await process.Wait();
        end.Fails(1, [.. told, "after one attempt"]);
        _proxy.Stop();
        Assert.Equal(1, await asked);
    }

    [Fact]
    public async Task A_pause_that_a_server_asks_for_is_told_before_it_ends()
    {
        Task<int> asked = Refuse("429 Too Many Requests\r\nRetry-After: 1");
        string url = $"http://{_proxy.LocalEndpoint}/v2/models/toy";
        CommandLine.Outcome end = await CommandLine.Run("model", "inspect", url, "--http", "retries=1,backoff=0");
        _proxy.Stop();
        Assert.Equal((1, 2), (end.Code, await asked));
        Assert.StartsWith($"{url}: HTTP 429; waiting 1 seconds, as it asks\n", end.Error, StringComparison.Ordinal);
    }

    // Answers everybody with this status and counts them.
    private async Task<int> Refuse(string status)
    {
        for (int asked = 0; ; asked++)
        {
            try
            {
                using TcpClient client = await _proxy.AcceptTcpClientAsync();
                NetworkStream stream = client.GetStream();
                using var reader = new StreamReader(stream);
                while (await reader.ReadLineAsync() is { Length: > 0 }) { }

                await stream.WriteAsync(
                    Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                );
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                return asked;
            }
        }
    }
}
