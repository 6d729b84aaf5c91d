using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Parry.Data;
using Parry.Data.Published;
using Parry.Models;
using Parry.Models.Files;
using Parry.Tests.Data;

namespace Parry.Tests.Models;

public sealed class NamedWeightsTests : IDisposable
{
    private static readonly byte[] s_content = TestData.Pixels(5000);
    private static readonly DataFile s_weights = new(
        "net.safetensors",
        s_content.Length,
        Convert.ToHexStringLower(SHA256.HashData(s_content))
    );

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _client = new();

    private string Cached => Path.Combine(_folder.Path, "cache", "parry", "data", "weights", s_weights.Name);

    public void Dispose()
    {
        _client.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Weights_are_found_where_models_and_data_are()
    {
        string data = Path.Combine(_folder.Path, "data");
        foreach (string place in (string[])["data/../models", "data", "mine"])
        {
            string file = Path.Combine(_folder.Path, place, s_weights.Name);
            Directory.CreateDirectory(data);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, [1]);
            Assert.Equal(file, Find(("PARRY_DATA", data), ("PARRY_MODELS", Path.Combine(_folder.Path, "mine"))));
        }
    }

    [Fact]
    public void Weights_are_downloaded_once_into_the_cache()
    {
        using var server = new FileServer(s_content);
        Assert.Equal(Cached, Find(("PARRY_WEIGHTS_URL", server.Address)));
        Assert.Equal(s_content, File.ReadAllBytes(Cached));
        Assert.Equal(Cached, Find(("PARRY_WEIGHTS_URL", server.Address)));
        Assert.Equal([$"/mirror/{s_weights.Name}"], server.Requests);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_download_of_another_content_is_refused_and_not_kept(bool sameLength)
    {
        byte[] wrong = sameLength ? [.. s_content[..^1], (byte)(s_content[^1] ^ 1)] : s_content[..^1];
        using var server = new FileServer(wrong);
        string message = Assert.Throws<IOException>(() => Find(("PARRY_WEIGHTS_URL", server.Address))).Message;
        Assert.Contains(
            sameLength ? $"expected SHA-256 {s_weights.Sha256}" : $"got {wrong.Length}",
            message,
            StringComparison.Ordinal
        );
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Cached)!));
    }

    [Fact]
    public void Without_an_address_it_is_said_what_to_do()
    {
        string message = Assert.Throws<UserErrorException>(() => Find()).Message;
        Assert.All(
            new[] { s_weights.Name, "PARRY_WEIGHTS_URL", "$PARRY_MODELS" },
            part => Assert.Contains(part, message, StringComparison.Ordinal)
        );
        Assert.Contains(
            "\"ftp://x\"",
            Assert.Throws<UserErrorException>(() => Find(("PARRY_WEIGHTS_URL", "ftp://x"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Class_names_are_found_beside_the_weights_where_their_number_fits()
    {
        string model = _folder.Write("net.safetensors", [1]);
        Assert.Null(ClassNameFile.Find(model, 2, null));
        File.WriteAllText(Path.Combine(_folder.Path, "classes.txt"), "cat, Felis catus\r\n dog\n\n");
        Assert.Equal(["cat, Felis catus", "dog"], ClassNameFile.Find(model, 2, null));
        Assert.Null(ClassNameFile.Find(model, 3, null));
        string data = Path.Combine(_folder.Path, "data");
        string samples = Path.Combine(data, "imagenet-samples");
        Directory.CreateDirectory(samples);
        File.WriteAllLines(
            Path.Combine(samples, "classes.txt"),
            Enumerable.Range(0, 1000).Select(label => $"class {label}")
        );
        Assert.Equal("class 7", ClassNameFile.Find(model, 1000, data)![7]);
        Assert.Null(ClassNameFile.Find(model, 1000, null));
    }

    [FactIfModel("mobilenetv2-imagenet.safetensors")]
    public void MobileNetV2_answers_eight_of_ten_photos_rightly()
    {
        string samples = Path.Combine(Environment.GetEnvironmentVariable("PARRY_DATA")!, "imagenet-samples");
        string[] files = [.. Directory.GetFiles(samples, "*.jpg").Order(StringComparer.Ordinal)];
        string[] labels = [.. files.Select(file => Path.GetFileNameWithoutExtension(file).Split('_')[2])];
        string model = NamedWeights.Find("mobilenetv2");
        Assert.Equal(
            "7416208e871378fb06eb1fdbcd3c701bdc828824ecb88482e9d22815fc02ec94",
            Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(model)))
        );
        using NetworkClassifier classifier = ModelFile.LoadClassifier(model).Classifier;
        ImageSet photos = Photos.Load(files, labels, classifier.Shape, ClassNameFile.Find(model, classifier.Classes)!);
        Assert.InRange(10 * Accuracy.Of(classifier, photos), 7.9, 10);
    }

    private string Find(params (string Name, string Value)[] environment) =>
        NamedWeights.Find(
            s_weights,
            name =>
                name == "XDG_CACHE_HOME"
                    ? Path.Combine(_folder.Path, "cache")
                    : environment.FirstOrDefault(entry => entry.Name == name).Value,
            _client
        );

    /// <summary>Answers every request with the same bytes.</summary>
    private sealed class FileServer : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly List<string> _requests = [];

        public FileServer(byte[] content)
        {
            using var probe = new TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            int port = ((IPEndPoint)probe.LocalEndpoint).Port;
            probe.Stop();
            Address = $"http://127.0.0.1:{port}/mirror";
            _listener.Prefixes.Add(Address + "/");
            _listener.Start();
            _ = Serve(content);
        }

        public string Address { get; }

        public IReadOnlyList<string> Requests => _requests;

        public void Dispose() => _listener.Close();

        private async Task Serve(byte[] content)
        {
            while (_listener.IsListening)
            {
                try
                {
                    HttpListenerContext context = await _listener.GetContextAsync();
                    _requests.Add(context.Request.Url!.AbsolutePath);
                    await context.Response.OutputStream.WriteAsync(content);
                    context.Response.Close();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }
            }
        }
    }
}
