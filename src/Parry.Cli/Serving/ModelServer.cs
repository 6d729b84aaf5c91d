using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Serving;

/// <summary>
/// Serves a model on this machine with the Open Inference Protocol, version 2. It has its own workers, because those of
/// an attack may be waiting for its answers.
/// </summary>
internal sealed class ModelServer : IAsyncDisposable
{
    private const string Input = "images";
    private const long LargestBody = 1 << 26;
    private const long LargestBodies = 1 << 28;
    private const int MostImages = 4096;
    private const int LongestReason = 500;

    // How long answers that are under way may take when the server stops.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    private readonly IPredictor _model;
    private readonly TimeSpan _delay;
    private readonly Workers _workers = new(Workers.Shared.Count);
    private readonly RequestBodies _bodies = new(LargestBodies);
    private readonly IDisposable? _evaluation;
    private readonly WebApplication _app;
    private long _requests;
    private long _images;

    private ModelServer(IPredictor model, string name, int port, TimeSpan delay)
    {
        (_model, _delay) = (model, delay);
        _evaluation = model.EnterEvaluation();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory }
        );
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = s_grace);
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, port);
            options.Limits.MaxRequestBodySize = LargestBody;
            options.AddServerHeader = false;
        });
        _app = builder.Build();
        _app.Use(
            (context, next) =>
                LocalRequests.Refusal(context.Request) is var (status, why)
                    ? Refuse(context, status, why)
                    : next(context)
        );
        string path = $"/v2/models/{name}";
        Get(
            "/v2",
            writer =>
            {
                writer.WriteString("name", "parry");
                writer.WriteString("version", typeof(ModelServer).Assembly.GetName().Version!.ToString(3));
                writer.WriteStartArray("extensions");
                writer.WriteEndArray();
            }
        );
        Get("/v2/health/live", writer => writer.WriteBoolean("live", true));
        Get("/v2/health/ready", writer => writer.WriteBoolean("ready", true));
        Get($"{path}/ready", writer => writer.WriteBoolean("ready", true));
        Get(path, writer => WriteMetadata(writer, name));
        _app.MapPost($"{path}/infer", new RequestDelegate(Infer));
        _app.MapFallback(
            new RequestDelegate(context =>
                Refuse(context, 404, $"there is nothing at {context.Request.Path}; the model is at {path}")
            )
        );

        void Get(string at, Action<Utf8JsonWriter> write) =>
            _app.MapGet(at, new RequestDelegate(context => Answer(context, 200, write)));
    }

    /// <summary>The model's URL.</summary>
    public Uri Url { get; private set; } = new("http://127.0.0.1");

    /// <summary>The numbers of answered inference requests and of images in them.</summary>
    public (long Requests, long Images) Served => (Interlocked.Read(ref _requests), Interlocked.Read(ref _images));

    /// <summary>Starts a server.</summary>
    /// <param name="model">The model to serve.</param>
    /// <param name="name">The model's name in the URL.</param>
    /// <param name="port">The port; 0 for any free one.</param>
    /// <param name="delay">The shortest time from a request to its answer.</param>
    /// <exception cref="UserErrorException">The port is taken.</exception>
    public static async Task<ModelServer> Start(IPredictor model, string name, int port = 0, TimeSpan delay = default)
    {
        var server = new ModelServer(model, name, port, delay);
        try
        {
            await server._app.StartAsync();
        }
        catch (IOException e)
        {
            await server.DisposeAsync();
            throw new UserErrorException(
                $"expected a free port, got {port} ({e.Message.TrimEnd('.')}): give another --port, or 0 for "
                    + "any free one",
                e
            );
        }

        string address = server
            ._app.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.First();
        server.Url = new Uri($"{address}/v2/models/{name}");
        return server;
    }

    /// <summary>Finishes sending answers, for a few seconds at most, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        _evaluation?.Dispose();
        _workers.Dispose();
    }

    private void WriteMetadata(Utf8JsonWriter writer, string name)
    {
        writer.WriteString("name", name);
        writer.WriteStartArray("versions");
        writer.WriteEndArray();
        writer.WriteString("platform", "parry");
        writer.WriteStartArray("inputs");
        WriteHead(writer, Input, "FP32", [-1, _model.Shape.Channels, _model.Shape.Height, _model.Shape.Width]);
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteStartArray("outputs");
        WriteHead(writer, OutputName, OutputType, _model is IScorer ? [-1, _model.Classes] : [-1]);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }

    private string OutputName =>
        _model switch
        {
            IClassifier => "logits",
            IScorer => "probabilities",
            _ => "labels",
        };

    private string OutputType => _model is IScorer ? "FP32" : "INT64";

    // A tensor's name, type and shape; the object stays open for its data.
    private static void WriteHead(Utf8JsonWriter writer, string name, string type, long[] shape)
    {
        writer.WriteStartObject();
        writer.WriteString("name", name);
        writer.WriteString("datatype", type);
        writer.WriteStartArray("shape");
        foreach (long size in shape)
            writer.WriteNumberValue(size);
        writer.WriteEndArray();
    }

    private async Task Infer(HttpContext context)
    {
        long arrived = Stopwatch.GetTimestamp();
        try
        {
            // The workers read the numbers too: as many bodies are taken apart at a time as there are workers.
            var (answers, count) = await AnswersOf(context);
            if (
                answers is float[] scores
                && Array.FindIndex(scores, score => !float.IsFinite(score)) is >= 0 and int at
            )
            {
                await Refuse(
                    context,
                    500,
                    $"the model gives scores that are not finite for image {(at / _model.Classes) + 1} of {count}: "
                        + "leave it out, or serve another model"
                );
                return;
            }

            TimeSpan left = _delay - Stopwatch.GetElapsedTime(arrived);
            if (left > TimeSpan.Zero)
                await Task.Delay(
                    TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)),
                    context.RequestAborted
                );
            Interlocked.Increment(ref _requests);
            Interlocked.Add(ref _images, count);
            await Answer(context, 200, writer => WriteAnswers(writer, answers, count));
        }
        catch (Exception e) when (e is InvalidDataException or UserErrorException)
        {
            await Refuse(context, 400, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            await Refuse(context, e.StatusCode, e.Message);
        }
        catch (OperationCanceledException)
        {
            // The client has disconnected.
        }
        catch (Exception e) when (e is ExternalException or EndpointException)
        {
            await Refuse(context, 500, e.Message);
        }
    }

    private async Task<(Array Answers, int Count)> AnswersOf(HttpContext context)
    {
        using RequestBodies.Received body = await _bodies.Read(context.Request, context.RequestAborted);
        return await _workers.Post(() =>
        {
            context.RequestAborted.ThrowIfCancellationRequested();
            InferenceTensor images = Checked(InferenceTensor.ReadAll(body.Bytes, "inputs"));
            int count = (int)images.Shape[0];
            return (Ask(images.Numbers, count), count);
        });
    }

    private InferenceTensor Checked(IReadOnlyList<InferenceTensor> inputs)
    {
        ImageShape shape = _model.Shape;
        string expected =
            $"expected one input \"{Input}\" of the type FP32 and the shape [N, {shape.Channels}, {shape.Height}, "
            + $"{shape.Width}]";
        if (inputs is not [{ Name: Input } images])
            throw new InvalidDataException(
                $"{expected}, got {inputs.Count}: {string.Join(", ", inputs.Select(input => input.Name))}"
            );
        if (
            images.DataType != "FP32"
            || images.Shape.Count != 4
            || !images.Shape.Skip(1).SequenceEqual([shape.Channels, shape.Height, shape.Width])
            || images.Numbers.Length == 0
        )
            throw new InvalidDataException($"{expected}, got {images.DataType} [{string.Join(", ", images.Shape)}]");
        if (!Array.TrueForAll(images.Numbers, float.IsFinite))
            throw new InvalidDataException($"{expected}, got null among its numbers");
        return images.Shape[0] <= MostImages
            ? images
            : throw new InvalidDataException(
                $"expected at most {MostImages} images, got {images.Shape[0]}: send several requests"
            );
    }

    private Array Ask(float[] values, int count)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Images images = Images.Of(
            tensor(values, [count, _model.Shape.Channels, _model.Shape.Height, _model.Shape.Width])
        );
        return _model switch
        {
            IClassifier classifier => classifier.Logits(images).ToArray<float>(),
            IScorer scorer => scorer.Probabilities(images).ToArray<float>(),
            _ => _model.Predict(images).ToArray<long>(),
        };
    }

    private void WriteAnswers(Utf8JsonWriter writer, Array answers, int count)
    {
        writer.WriteStartArray("outputs");
        WriteHead(writer, OutputName, OutputType, _model is IScorer ? [count, _model.Classes] : [count]);
        writer.WriteStartArray("data");
        if (answers is float[] scores)
        {
            foreach (float score in scores)
                writer.WriteNumberValue(score);
        }
        else
        {
            foreach (long label in (long[])answers)
                writer.WriteNumberValue(label);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
    }

    private static Task Refuse(HttpContext context, int status, string why) =>
        Answer(
            context,
            status,
            writer => writer.WriteString("error", string.Concat(why.EnumerateRunes().Take(LongestReason)))
        );

    private static async Task Answer(HttpContext context, int status, Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        context.Response.StatusCode = status;
        if (status == StatusCodes.Status503ServiceUnavailable)
            context.Response.Headers.RetryAfter = "1";
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.WrittenCount;
        await context.Response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }
}
