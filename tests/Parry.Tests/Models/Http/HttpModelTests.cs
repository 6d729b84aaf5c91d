using System.Text;
using Parry.Attacks;
using Parry.Attacks.DecisionBased;
using Parry.Data;
using Parry.Evaluation;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using Parry.Tests.Data;
using static Parry.Tests.Models.Http.EndpointServer;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Http;

public sealed class HttpModelTests : IDisposable
{
    private static readonly ImageShape s_shape = new(3, 4, 5);

    private readonly LinearClassifier _model = new(s_shape, 4, seed: 3);
    private readonly Tensor _images = Random(50, 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _images.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Answers_are_those_of_the_model_itself_bit_for_bit_in_as_few_requests_as_can_be()
    {
        using EndpointServer server = Of(_model);
        using HttpModel remote = server.Open(Quick with { Batch = 16, Concurrency = 3 });
        Assert.Equal((s_shape, 4), (remote.Shape, remote.Classes));
        Assert.Equal(((IPredictor)_model).Predict(_images).ToArray<long>(), remote.Predict(_images).ToArray<long>());
        Assert.Equal(
            ((IScorer)_model).Probabilities(_images).ToArray<float>(),
            ((IScorer)remote).Probabilities(_images).ToArray<float>()
        );
        Assert.Equal(1 + 4 + 4, server.Posts);
        Assert.Equal(new EndpointUse(101, 9, 0), remote.Use);
    }

    [Theory]
    [InlineData("nhwc", "FP32")]
    [InlineData("nchw", "UINT8")]
    [InlineData("nhwc", "UINT8")]
    public void Images_go_out_in_the_layout_and_type_that_the_metadata_tells(string layout, string type)
    {
        using EndpointServer server = Of(_model, layout: layout, type: type);
        using HttpModel remote = server.Open();
        Assert.Equal(s_shape, remote.Shape);
        Tensor shown = type == "UINT8" ? Rounding.ToBytes(_images) : _images;
        Assert.Equal(
            _model.Logits(shown).softmax(-1).ToArray<float>(),
            ((IScorer)remote).Probabilities(_images).ToArray<float>()
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_decision_based_attack_finds_what_it_finds_on_the_model_itself(bool onlyLabels)
    {
        using EndpointServer server = Of(_model);
        using HttpModel remote = server.Open(
            Quick with
            {
                Answers = onlyLabels ? HttpAnswers.Labels : HttpAnswers.Scores,
            },
            s_shape,
            4
        );
        Assert.Equal(onlyLabels, remote is not IScorer);
        Goal goal = Goal.Untargeted(((IPredictor)_model).Predict(_images));
        var attack = new HopSkipJump { Steps = 2 };
        using AttackResult here = AttackDispatch.Run(attack, _model, new AttackRun(_images, goal, 5))[0];
        using AttackResult there = AttackDispatch.Run(attack, remote, new AttackRun(_images, goal, 5))[0];
        Assert.Equal(here.Images.ToArray<float>(), there.Images.ToArray<float>());
        Assert.Equal(here.Queries, there.Queries);
        Assert.Contains(true, there.Succeeded);
    }

    [Fact]
    public void White_box_attacks_do_not_fit()
    {
        using EndpointServer server = Of(_model);
        using HttpModel remote = server.Open();
        var attack = new Parry.Attacks.WhiteBox.FastGradientSign();
        Assert.False(attack.Fits(remote));
        Assert.Throws<UserErrorException>(() =>
            AttackDispatch.Run(attack, remote, new AttackRun(_images, Goal.Untargeted(remote.Predict(_images)), 1))
        );
    }

    [Fact]
    public void Numbers_between_0_and_1_that_sum_to_one_are_taken_for_probabilities()
    {
        using var server = new EndpointServer(request =>
            Ok(request.Method == "GET" ? Metadata("1,2,2") : Scores("[[0.5,0.25,0.25]]", 1, 3))
        );
        using HttpModel remote = HttpModel.Open(server.Url, Quick, new InputContract());
        using Tensor one = zeros([1, 1, 2, 2]);
        Assert.Equal(
            [0.5f, 0.25f, 0.25f],
            ((IScorer)remote).Probabilities(one).ToArray<float>(),
            (a, b) => Math.Abs(a - b) < 1e-6
        );
    }

    [Fact]
    public void A_second_run_asks_nothing_and_needs_no_server()
    {
        HttpSettings settings = Quick with { Cache = _folder.Path, Batch = 16 };
        long[] first;
        Uri url;
        using (EndpointServer server = Of(_model))
        using (HttpModel remote = HttpModel.Open(url = server.Url, settings, Logits))
        {
            first = remote.Predict(cat([_images, _images])).ToArray<long>();
            Assert.Equal(new EndpointUse(51, 5, 50), remote.Use);
        }

        using HttpModel again = HttpModel.Open(url, settings, Logits);
        Assert.Equal(first, again.Predict(cat([_images, _images])).ToArray<long>());
        Assert.Equal(new EndpointUse(0, 0, 101), again.Use);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(55)]
    public void An_answer_that_a_crash_tore_is_asked_again_and_no_other(int cut)
    {
        HttpSettings settings = Quick with { Cache = _folder.Path, Batch = 16 };
        using EndpointServer server = Of(_model);
        using (HttpModel remote = server.Open(settings))
            remote.Predict(_images).Dispose();
        string file = Directory.GetFiles(_folder.Path, "*.answers").Single();
        byte[] kept = File.ReadAllBytes(file);
        int record = 32 + (4 * 4) + 4;
        int lost = (cut + record - 1) / record;
        File.WriteAllBytes(file, kept[..^cut]);
        using (HttpModel remote = server.Open(settings))
        {
            Assert.Equal(
                ((IPredictor)_model).Predict(_images).ToArray<long>(),
                remote.Predict(_images).ToArray<long>()
            );
            Assert.Equal(lost, remote.Use.Sent);
        }

        Assert.Equal(kept.Length, new FileInfo(file).Length);

        // One that was damaged in the middle is not believed.
        kept[12 + (7 * record) + 35] ^= 1;
        File.WriteAllBytes(file, kept);
        using HttpModel last = server.Open(settings);
        Assert.Equal(((IPredictor)_model).Predict(_images).ToArray<long>(), last.Predict(_images).ToArray<long>());
        Assert.Equal(1, last.Use.Sent);
        string note = Assert.Single(last.Notes);
        Assert.Contains($"1 of the answers kept in {file} were edited or damaged", note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "was emptied: restore it, or remove it")]
    [InlineData("PARRY", "is not a file of answers")]
    [InlineData("{\"answers\":[]}", "is not a file of answers")]
    public void A_cache_that_was_emptied_or_edited_is_named_and_nothing_is_sent(string content, string word)
    {
        HttpSettings settings = Quick with { Cache = _folder.Path };
        using EndpointServer server = Of(_model);
        using (HttpModel remote = server.Open(settings))
            remote.Predict(_images).Dispose();
        string file = Directory.GetFiles(_folder.Path, "*.answers").Single();
        int posts = server.Posts;
        File.WriteAllText(file, content);

        string message = Assert.Throws<UserErrorException>(() => server.Open(settings)).Message;
        Assert.Contains($"{file}", message, StringComparison.Ordinal);
        Assert.Contains(word, message, StringComparison.Ordinal);
        Assert.Equal(posts, server.Posts);

        File.Delete(file);
        using HttpModel anew = server.Open(settings);
        Assert.Empty(anew.Notes);
    }

    [Fact]
    public void A_cache_that_a_run_left_without_an_answer_is_used_by_the_next()
    {
        HttpSettings settings = Quick with { Cache = _folder.Path };
        using (EndpointServer broken = Of(_model, _ => Status("403 Forbidden", "no")))
            Assert.Throws<EndpointException>(() => broken.Open(settings with { Retries = 0 }));
        string[] files = Directory.GetFiles(_folder.Path, "*.answers");
        Assert.Equal("PARRYAN1", File.ReadAllText(files.Single()));

        using EndpointServer server = Of(_model);
        File.Move(files[0], Path.Combine(_folder.Path, "begun"));
        using (HttpModel remote = server.Open(settings))
            remote.Predict(_images).Dispose();
        string file = Directory.GetFiles(_folder.Path, "*.answers").Single();
        File.Move(Path.Combine(_folder.Path, "begun"), file, overwrite: true);
        using HttpModel again = server.Open(settings);
        Assert.Equal(((IPredictor)_model).Predict(_images).ToArray<long>(), again.Predict(_images).ToArray<long>());
    }

    [Theory]
    [InlineData(true, 2, "1 of 3 images are left out", 4)]
    [InlineData(false, 3, null, 1)]
    public void Images_without_scores_are_left_out_where_asking_again_costs_nothing(
        bool isCached,
        int left,
        string? told,
        int posts
    )
    {
        HttpSettings settings = Quick with { Batch = 1, Concurrency = 1, Cache = isCached ? _folder.Path : null };
        using EndpointServer server = Of(_model, post => post == 2 ? Ok(Scores("[[NaN,NaN,NaN,NaN]]", 1, 4)) : []);
        using HttpModel remote = server.Open(settings);
        byte[] pixels = [.. Enumerable.Range(0, 3 * s_shape.Pixels).Select(i => (byte)i)];
        var three = new ImageSet("three images", s_shape, pixels, new[] { 0, 1, 2 }, ["a", "b", "c", "d"]);

        var (images, _, note) = FiniteScores.Of(remote, three);
        Assert.Equal((left, posts), (images.Count, server.Posts));
        Assert.StartsWith(told ?? "", note ?? "", StringComparison.Ordinal);
        Assert.Equal(told is null, note is null);
    }

    [Fact]
    public void Two_runs_do_not_write_one_cache()
    {
        HttpSettings settings = Quick with { Cache = _folder.Path };
        using EndpointServer server = Of(_model);
        using HttpModel remote = server.Open(settings);
        Assert.Contains(
            "another folder",
            Assert.Throws<UserErrorException>(() => server.Open(settings)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void No_image_beyond_the_budget_is_sent()
    {
        using EndpointServer server = Of(_model);
        using HttpModel remote = server.Open(Quick with { Budget = 40, Batch = 16, Concurrency = 1 });
        string message = Assert.Throws<EndpointException>(() => remote.Predict(_images)).Message;
        Assert.Contains("40 images", message, StringComparison.Ordinal);
        Assert.InRange(remote.Use.Sent, 1, 40);
        Assert.Equal(
            remote.Use.Sent,
            server
                .Requests.Where(request => request.Method == "POST")
                .Sum(request => InferenceTensor.ReadAll(request.Body, "inputs")[0].Shape[0])
        );
    }

    [Fact]
    public void The_token_is_sent_as_a_header_and_told_nobody()
    {
        const string Token = "s3cret-t0ken";
        Environment.SetEnvironmentVariable("PARRY_TEST_TOKEN", Token);
        HttpSettings settings = Quick with { TokenVariable = "PARRY_TEST_TOKEN", Cache = _folder.Path };
        using EndpointServer server = Of(
            _model,
            post => post == 0 ? [] : Status("403 Forbidden", $$"""{"error":"the token {{Token}} is not welcome"}""")
        );
        using (HttpModel remote = server.Open(settings))
        {
            string message = Assert.Throws<EndpointException>(() => remote.Predict(_images)).Message;
            Assert.Contains("403", message, StringComparison.Ordinal);
            Assert.DoesNotContain(Token, message, StringComparison.Ordinal);
        }

        Assert.All(server.Requests, request => Assert.Equal($"Bearer {Token}", request.Headers["authorization"]));
        Assert.All(
            Directory.GetFiles(_folder.Path),
            file =>
                Assert.DoesNotContain(
                    Token,
                    Encoding.Latin1.GetString(File.ReadAllBytes(file)),
                    StringComparison.Ordinal
                )
        );
        Assert.DoesNotContain(Token, settings.ToString(), StringComparison.Ordinal);
        Assert.Contains(
            "PARRY_NO_TOKEN",
            Assert
                .Throws<UserErrorException>(() => server.Open(Quick with { TokenVariable = "PARRY_NO_TOKEN" }))
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void An_address_with_a_password_is_refused_without_repeating_it()
    {
        string message = Assert
            .Throws<UserErrorException>(() =>
                HttpModel.Open(new Uri("http://me:hunter2@127.0.0.1:1/v2/models/toy"), Quick, Logits)
            )
            .Message;
        Assert.DoesNotContain("hunter2", message, StringComparison.Ordinal);
        Assert.Contains("token-env", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[-1,3,4,6]", "FP32", "not 3x4x5")]
    [InlineData("[-1,3,4,5]", "INT32", "INT32")]
    [InlineData("[-1,3,4]", "FP32", "[-1, C, H, W]")]
    [InlineData("[8192,3,4,5]", "FP32", "8192 images at a time")]
    public void A_model_of_other_images_is_refused_before_it_is_asked(string shape, string type, string told)
    {
        using var server = new EndpointServer(_ =>
            Ok(
                $$"""{"inputs":[{"name":"x","datatype":"{{type}}","shape":{{shape}}}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1,4]}]}"""
            )
        );
        Assert.Contains(
            told,
            Assert.Throws<UserErrorException>(() => server.Open(Quick, s_shape, 4)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(0, server.Posts);
    }

    [Fact]
    public void A_model_of_other_classes_is_refused()
    {
        using EndpointServer server = Of(_model);
        Assert.Contains(
            "4 classes, expected 10",
            Assert.Throws<UserErrorException>(() => server.Open(Quick, s_shape, 10)).Message,
            StringComparison.Ordinal
        );
    }

    private static string Metadata(string sizes) =>
        $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[-1,{{sizes}}]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1,3]}]}""";

    private static string Scores(string data, int rows, int width) =>
        $$"""{"outputs":[{"name":"y","datatype":"FP32","shape":[{{rows}},{{width}}],"data":{{data}}}]}""";

    private static Tensor Random(int count, int seed)
    {
        using var random = new Generator((ulong)seed);
        return rand([count, s_shape.Channels, s_shape.Height, s_shape.Width], generator: random)
            .DetachFromDisposeScope();
    }
}
