using System.Text;
using Parry.Models;
using Parry.Models.Http;
using Parry.Tests.Data;
using static Parry.Tests.Models.Http.EndpointServer;
using static TorchSharp.torch;

namespace Parry.Tests.Models.Http;

/// <summary>Whatever a server answers is read, or told in one line.</summary>
public sealed class AnswerFuzzTests
{
    private const string Metadata =
        """{"name":"toy","versions":["1"],"platform":"x","inputs":[{"name":"x","datatype":"FP32","shape":[-1,1,2,2]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1,3]},{"name":"label","datatype":"INT64","shape":[-1]}]}""";
    private const string Answer =
        """{"model_name":"toy","outputs":[{"name":"y","datatype":"FP32","shape":[2,3],"parameters":{"a":[1,{}]},"data":[[1.5,-2e-3,3],[4,5,6]]}]}""";
    private const string Labels = """{"outputs":[{"name":"y","datatype":"BYTES","shape":[2],"data":["cat","dog"]}]}""";
    private const string Rows =
        """{"result":{"rows":[{"p":[0.1,0.2,0.7],"label":"cat"},{"p":[0.5,0.25,0.25],"label":"dog"}]}}""";
    private const string Template =
        """{"url":"/x","headers":{"a":"b"},"layout":"nhwc","body":{"a":["$png"],"n":"$count"},"scores":"$.a[*].b","labels":"$"}""";

    private static readonly Uri s_url = new("http://h/v2/models/toy");
    private static readonly ImageShape s_shape = new(1, 2, 2);
    private static readonly InputContract s_named = new() { ClassNames = ["cat", "dog"], Background = 1 };

    [Theory]
    [InlineData(HttpAnswers.Scores)]
    [InlineData(HttpAnswers.Labels)]
    public void Of_the_Open_Inference_Protocol(HttpAnswers kind)
    {
        var settings = new HttpSettings { Answers = kind };
        var wire = OpenInference.Of(
            s_url,
            Encoding.UTF8.GetBytes(Metadata),
            null,
            3,
            s_named,
            settings with
            {
                Output = "y",
            }
        );
        Try(JsonFuzz.Of(3000, 1, Answer, Labels), answer => wire.Read(answer, 2));
        Try(JsonFuzz.Of(3000, 2, Metadata), told => OpenInference.Of(s_url, told, null, null, s_named, settings));
        Try(JsonFuzz.Of(1000, 3, Metadata), told => OpenInference.Of(s_url, told, s_shape, 3, s_named, settings));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void To_a_template(bool onlyLabels)
    {
        RequestTemplate template = RequestTemplate.Parse(
            """{"body":"$images","scores":"$.result.rows[*].p","labels":"$.result.rows[*].label"}"""
        );
        var format = new TemplateFormat(s_url, template, s_shape, s_named, onlyLabels);
        Try(JsonFuzz.Of(3000, 4, Rows), answer => format.Read(answer, 2));
        RequestTemplate flat = RequestTemplate.Parse("""{"body":"$images","scores":"$.outputs[0].data"}""");
        var flattened = new TemplateFormat(s_url, flat, s_shape, s_named, onlyLabels);
        Try(JsonFuzz.Of(3000, 5, Answer), answer => flattened.Read(answer, 2));
    }

    [Fact]
    public void Of_errors()
    {
        string[] errors =
        [
            """{"error":"a"}""",
            """{"detail":[{"loc":["body",0],"msg":"b"}]}""",
            """{"error":{"message":"c"}}""",
        ];
        foreach (byte[] body in JsonFuzz.Of(3000, 6, errors))
        {
            string text = ServerText.OfError(body);
            Assert.InRange(text.Length, 0, 201);
            Assert.DoesNotContain(text, char.IsControl);
        }
    }

    [Fact]
    public void A_template_itself() =>
        Try(
            JsonFuzz.Of(3000, 7, Template),
            text =>
            {
                try
                {
                    RequestTemplate.Parse(Encoding.UTF8.GetString(text));
                }
                catch (FormatException e)
                {
                    throw new InvalidDataException(e.Message, e);
                }
            }
        );

    [Fact]
    public void Of_a_model_from_its_metadata_to_its_labels()
    {
        byte[][] metadata =
        [
            .. JsonFuzz.Of(40, 8, Metadata),
            .. Enumerable.Repeat(Encoding.UTF8.GetBytes(Metadata), 80),
        ];
        byte[][] answers =
        [
            .. JsonFuzz.Of(
                metadata.Length,
                9,
                Answer
                    .Replace("[2,3]", "[1,3]", StringComparison.Ordinal)
                    .Replace(",[4,5,6]", "", StringComparison.Ordinal)
            ),
        ];
        int at = 0;
        using var server = new EndpointServer(request =>
            Status("200 OK", request.Method == "GET" ? metadata[at] : answers[at], "")
        );
        var settings = new HttpSettings { Retries = 0, Backoff = TimeSpan.Zero };
        int read = 0;
        for (; at < metadata.Length; at++)
        {
            try
            {
                using HttpModel model = HttpModel.Open(server.Url, settings, new InputContract(), s_shape);
                using Tensor image = zeros([1, 1, 2, 2]);
                model.Predict(image).Dispose();
                read++;
            }
            catch (Exception e) when (e is UserErrorException or EndpointException)
            {
                Check(e.Message);
            }
        }

        Assert.InRange(read, 10, metadata.Length - 10);
    }

    [Fact]
    public void Fewer_scores_than_are_to_be_skipped()
    {
        var settings = new HttpSettings { Answers = HttpAnswers.Labels, Output = "y" };
        InputContract contract = s_named with { Background = 5 };
        byte[] metadata = Encoding.UTF8.GetBytes(Metadata);
        var wire = OpenInference.Of(s_url, metadata, null, 3, contract, settings);
        Assert.Contains(
            "--background",
            Assert.Throws<InvalidDataException>(() => wire.Read(Encoding.UTF8.GetBytes(Answer), 2)).Message,
            StringComparison.Ordinal
        );
    }

    private static void Try(IEnumerable<byte[]> documents, Action<byte[]> read)
    {
        int refused = 0;
        int all = 0;
        foreach (byte[] document in documents)
        {
            all++;
            try
            {
                read(document);
            }
            catch (Exception e) when (e is UserErrorException or InvalidDataException)
            {
                refused++;
                Check(e.Message);
            }
        }

        Assert.InRange(refused, all / 10, all - 1);
    }

    private static void Check(string message)
    {
        Assert.InRange(message.Length, 1, 1500);
        Assert.DoesNotContain(message, char.IsControl);
        Assert.DoesNotContain('\u202e', message);
    }
}
