using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Parry.Torture;

/// <summary>
/// Many clients at once on <c>parry serve</c>. All are answered, the same image always in the same way, and the server
/// ends within seconds when it is told to.
/// </summary>
internal static class Load
{
    private const int Clients = 64;
    private const int Pixels = 784;
    private const string Model = "mnist-e";
    private static readonly TimeSpan s_stop = TimeSpan.FromSeconds(5);

    /// <summary>Runs until the time is over.</summary>
    public static void Run(Ordeal ordeal)
    {
        using Process server = ParryRun.Start(
            ordeal.Folder,
            ["serve", "--model", Path.Combine(ParryRun.Root, "models/mnist-e.safetensors")]
        );
        string address = server.StandardOutput.ReadLine() ?? throw new InvalidOperationException("no server");
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = Clients };
        using var http = new HttpClient(handler);
        object[] requests = [.. Enumerable.Range(0, 8).Select(_ => Request(ordeal.Random))];
        string[] answers = [.. requests.Select(request => Ask(http, address, request).Result)];
        int asked = 0;
        Task[] clients = [.. Enumerable.Range(0, Clients).Select(Client)];
        Task.WaitAll(clients);
        using Process kill = ParryRun.Start("/", "kill", ["-TERM", server.Id.ToString(CultureInfo.InvariantCulture)]);
        if (!server.WaitForExit(s_stop))
        {
            ordeal.Fail($"the server still runs {s_stop.TotalSeconds} s after TERM");
            server.Kill();
        }

        ordeal.Summary = $"{asked} requests of {Clients} clients";

        async Task Client(int client)
        {
            for (int i = client; ordeal.GoesOn(asked) && ordeal.Failures.Count == 0; i++)
            {
                string answer = await Ask(http, address, requests[i % requests.Length]);
                if (answer != answers[i % requests.Length])
                    lock (ordeal)
                        ordeal.Fail($"request {i}: another answer than before: {answer}");
                Interlocked.Increment(ref asked);
            }
        }
    }

    private static object Request(Random random)
    {
        double[] data = [.. Enumerable.Range(0, Pixels).Select(_ => random.Next(256) / 255.0)];
        return new
        {
            inputs = new[]
            {
                new
                {
                    name = "images",
                    shape = new[] { 1, 1, 28, 28 },
                    datatype = "FP32",
                    data,
                },
            },
        };
    }

    private static async Task<string> Ask(HttpClient http, string address, object request)
    {
        using HttpResponseMessage answer = await http.PostAsJsonAsync(address + "/infer", request);
        string text = await answer.Content.ReadAsStringAsync();
        if (answer.StatusCode != HttpStatusCode.OK)
            return $"{answer.StatusCode}: {text}";
        using var document = JsonDocument.Parse(text);
        return document.RootElement.GetProperty("outputs").GetRawText();
    }
}
