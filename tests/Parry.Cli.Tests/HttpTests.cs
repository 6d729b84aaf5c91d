using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Parry.Cli.Serving;
using Parry.Models;

namespace Parry.Cli.Tests;

[Collection(nameof(TrainedModels))]
public sealed class HttpTests(TrainedModels trained) : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private OpenedModel _model = null!;
    private ModelServer _server = null!;

    private string Url => _server.Url.ToString();

    public async Task InitializeAsync()
    {
        _model = ModelCatalog.Open(trained.Classifier, new InputContract());
        _server = await ModelServer.Start(_model.Model, "toy");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _model.Dispose();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_attack_has_the_rows_that_it_has_on_the_model_itself()
    {
        string[] attacks =
        [
            "hsj:steps=1",
            "square:eps=0.4,queries=30",
            "substitute:eps=0.4,rounds=1,epochs=1,images=20",
        ];
        JsonElement here = (await Attack(trained.Classifier, attacks, "--json")).Json();
        JsonElement there = (await Attack(Url, attacks, "--json")).Json();
        Assert.Equal(Numbers(here), Numbers(there));
        Assert.Equal(_server.Served.Images, there.GetProperty("endpoint").GetProperty("sent").GetInt64());
        Assert.Equal(_server.Served.Requests, there.GetProperty("endpoint").GetProperty("requests").GetInt64());
        Assert.False(here.TryGetProperty("endpoint", out _));
    }

    [Fact]
    public async Task A_white_box_attack_is_refused_before_anything_is_sent_with_those_that_fit()
    {
        (await Attack(Url, ["hsj", "pgd"])).Fails(
            2,
            "pgd needs gradients",
            "shows only scores",
            "scores: zoo",
            "square",
            "labels: random-search",
            "substitute, transfer",
            "--from"
        );
        (await Attack(Url, ["square"], "--http", "answers=labels")).Fails(
            2,
            "square needs scores",
            "shows only labels",
            "labels: random-search"
        );
        (await Evaluate(Url, "pgd:eps=0.3")).Fails(2, "pgd needs gradients", "--from");
        Assert.Equal(0, _server.Served.Requests);
    }

    [Fact]
    public async Task A_run_that_breaks_off_keeps_its_rows_and_goes_on_from_the_cache()
    {
        string[] attacks = ["random-search:eps=0.2,draws=5", "hsj:steps=1"];
        string settings = $"cache={_folder.File("answers")}";
        var broken = await Attack(Url, attacks, "--json", "--http", $"{settings},budget=400");
        Assert.Equal(1, broken.Code);
        Assert.Matches(@"\Aparry: [^\n]+ 400 images[^\n]+\n\z", broken.Error);
        using JsonDocument kept = JsonDocument.Parse(broken.Output);
        Assert.Single(kept.RootElement.GetProperty("rows").EnumerateArray());
        Assert.Contains("400 images", kept.RootElement.GetProperty("failure").GetString(), StringComparison.Ordinal);
        Assert.InRange(_server.Served.Images, 1, 400);
        Assert.Contains(
            "random-search",
            (await Attack(Url, attacks, "--http", $"{settings},budget=1")).Output,
            StringComparison.Ordinal
        );

        JsonElement resumed = (await Attack(Url, attacks, "--json", "--http", settings)).Json();
        Assert.Equal(Numbers((await Attack(trained.Classifier, attacks, "--json")).Json()), Numbers(resumed));
        Assert.True(resumed.GetProperty("endpoint").GetProperty("cached").GetInt64() >= 300);
        long served = _server.Served.Images;
        Assert.Equal(
            0,
            (await Attack(Url, attacks, "--json", "--http", settings))
                .Json()
                .GetProperty("endpoint")
                .GetProperty("sent")
                .GetInt64()
        );
        Assert.Equal(served, _server.Served.Images);
    }

    [Fact]
    public async Task An_evaluation_that_breaks_off_writes_the_report_of_what_it_found()
    {
        var run = await Evaluate(
            Url,
            "random-search:eps=0.2,draws=5",
            "--http",
            "budget=250",
            "--defenses",
            "bit-depth",
            "median"
        );
        Assert.Equal(1, run.Code);
        Assert.Matches(@"\Aparry: [^\n]+ 250 images[^\n]+\n\z", run.Error);
        using JsonDocument report = JsonDocument.Parse(await File.ReadAllTextAsync(_folder.File("report.json")));
        Assert.Contains(
            "stopped early",
            report.RootElement.GetProperty("notes")[0].GetString(),
            StringComparison.Ordinal
        );
        Assert.NotEmpty(report.RootElement.GetProperty("rows").EnumerateArray());
        Assert.Contains(
            "stopped early",
            await File.ReadAllTextAsync(_folder.File("index.html")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task An_evaluation_defends_it_with_purifiers_and_attacks_it_from_a_substitute()
    {
        string[] attack = ["square:eps=0.3,queries=20"];
        JsonElement here = (
            await Evaluate(trained.Classifier, attack[0], "--json", "--defenses", "bit-depth", "median")
        ).Json();
        JsonElement there = (await Evaluate(Url, attack[0], "--json", "--defenses", "bit-depth", "median")).Json();
        Assert.Equal(Numbers(here), Numbers(there));
        Assert.Contains(
            "sent in",
            there.GetProperty("settings").GetProperty("model over HTTP").GetString(),
            StringComparison.Ordinal
        );

        JsonElement crafted = (
            await Evaluate(
                Url,
                "pgd:eps=0.3,steps=3",
                "--json",
                "--from",
                trained.Classifier,
                "--defenses",
                "bit-depth"
            )
        ).Json();
        string[] threats =
        [
            .. crafted
                .GetProperty("rows")
                .EnumerateArray()
                .Where(row => row.GetProperty("attack").GetString()!.StartsWith("pgd", StringComparison.Ordinal))
                .Select(row => row.GetProperty("threat").GetString()!),
        ];
        Assert.Equal(["none", "black-box", "white-box"], threats);
        Assert.Contains(
            "crafted on the substitute behind that defense",
            crafted.GetProperty("notes").GetRawText(),
            StringComparison.Ordinal
        );
        (await Evaluate(Url, attack[0], "--defenses", "feature-squeezing")).Fails(
            2,
            "with its logits and gradients",
            "bit-depth"
        );
    }

    [Theory]
    [InlineData("--http", "budget=x", "budget")]
    [InlineData("--http", "size=3", "its options")]
    [InlineData("--http", "token-env=PARRY_NO_SUCH_TOKEN", "PARRY_NO_SUCH_TOKEN")]
    public async Task Wrong_settings_are_refused(string option, string value, string told) =>
        (await Attack(Url, ["hsj"], option, value)).Fails(2, told);

    [Fact]
    public async Task Settings_for_a_file_are_refused() =>
        (await Attack(trained.Classifier, ["hsj"], "--http", "batch=3")).Fails(2, "--http", "URL");

    [Theory]
    [InlineData("{}", "no \"inputs\"")]
    [InlineData("not json", "not JSON")]
    [InlineData("""{"inputs":[{"name":"images","datatype":"FP32","shape":[1,1,28,28],"data":[1,2]}]}""", "2 elements")]
    [InlineData("""{"inputs":[{"name":"images","datatype":"FP32","shape":[1,2],"data":[1,2]}]}""", "[N, 1, 28, 28]")]
    [InlineData("""{"inputs":[{"name":"images","datatype":"FP32","shape":[0,1,28,28],"data":[]}]}""", "[N, 1, 28, 28]")]
    [InlineData("""{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]}""", "\"images\"")]
    [InlineData(
        """{"inputs":[{"name":"images","datatype":"FP32","shape":[5000000000,1,28,28],"data":[1]}]}""",
        "1 elements"
    )]
    public async Task A_request_that_is_not_valid_is_told_in_the_protocols_words(string body, string told)
    {
        using var client = new HttpClient();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await client.PostAsync(new Uri(Url + "/infer"), content);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Contains(told, answer.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_served_model_that_is_itself_behind_an_address_answers_the_same()
    {
        using OpenedModel proxied = ModelCatalog.Open(Url, new InputContract());
        await using ModelServer proxy = await ModelServer.Start(proxied.Model, "proxy");
        Assert.Equal(
            Numbers((await Attack(Url, ["random-search:eps=0.2,draws=5"], "--json")).Json()),
            Numbers((await Attack(proxy.Url.ToString(), ["random-search:eps=0.2,draws=5"], "--json")).Json())
        );
    }

    [Fact]
    public async Task Serve_prints_its_address_and_stops_cleanly()
    {
        using Process process = CommandLine.Start(
            CommandLine.ProgramFolder,
            null,
            "serve",
            "--model",
            trained.Classifier,
            "--delay-ms",
            "1"
        );
        string address = (await process.StandardOutput.ReadLineAsync())!;
        Assert.Matches(@"^http://127\.0\.0\.1:\d+/v2/models/mnist-e$", address);
        using (var client = new HttpClient())
        {
            using JsonDocument metadata = JsonDocument.Parse(await client.GetStringAsync(new Uri(address)));
            Assert.Equal(
                "[-1,1,28,28]",
                metadata.RootElement.GetProperty("inputs")[0].GetProperty("shape").GetRawText()
            );
            Assert.Equal("[-1,10]", metadata.RootElement.GetProperty("outputs")[0].GetProperty("shape").GetRawText());
            Assert.Equal(
                HttpStatusCode.OK,
                (await client.GetAsync(new Uri(new Uri(address), "/v2/health/ready"))).StatusCode
            );
            Assert.Equal(
                HttpStatusCode.NotFound,
                (await client.GetAsync(new Uri(new Uri(address), "/v2/models/other"))).StatusCode
            );
        }

        using Process kill = Process.Start("kill", ["-TERM", process.Id.ToString()]);
        Assert.Equal(
            (0, "", ""),
            (await process.Wait()) switch
            {
                var end => (end.Code, end.Output, end.Error),
            }
        );
    }

    [Fact]
    public async Task A_port_that_is_taken_is_refused() =>
        (await CommandLine.Run("serve", "--model", trained.Classifier, "--port", $"{_server.Url.Port}")).Fails(
            2,
            $"{_server.Url.Port}",
            "--port"
        );

    // What a run measured, without how long it took and what the model is called.
    private static string Numbers(JsonElement report) =>
        string.Join(
            '\n',
            report
                .GetProperty("rows")
                .EnumerateArray()
                .Select(row =>
                    string.Join(
                        ' ',
                        row.EnumerateObject()
                            .Where(field => field.Name is not ("seconds" or "model"))
                            .Select(field => field.Value.GetRawText())
                    )
                )
        );

    private Task<CommandLine.Outcome> Attack(string model, string[] attacks, params string[] more) =>
        CommandLine.Run(["attack", .. trained.Subject(model), "--count", "20", "--attack", .. attacks, .. more]);

    private Task<CommandLine.Outcome> Evaluate(string model, string attack, params string[] more) =>
        CommandLine.Run([
            "evaluate",
            .. trained.Subject(model),
            "--count",
            "12",
            "--attacks",
            attack,
            "--out",
            _folder.Path,
            "--overwrite",
            .. more,
        ]);
}
