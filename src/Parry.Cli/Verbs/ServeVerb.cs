using System.CommandLine;
using Parry.Cli.Serving;
using Parry.Models;

namespace Parry.Cli.Verbs;

/// <summary>
/// <c>parry serve</c>: serves a model over HTTP on this machine, with the protocol of <c>parry attack</c> and <c>parry
/// evaluate</c>.
/// </summary>
internal static class ServeVerb
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        var model = new ModelOptions();
        Option<int> port = Arguments.Number("--port", "The port; 0 for any free one.", 0, 0);
        Option<int> delay = Arguments.Number(
            "--delay-ms",
            "At least this many milliseconds from a request to its answer, for tests and benchmarks.",
            0,
            0
        );
        return new Command(
            "serve",
            "Serve a model over HTTP on 127.0.0.1 (Open Inference Protocol v2) until Ctrl-C; the first line is its URL."
        )
        {
            model,
            port,
            delay,
        }.Does(
            (parsed, cancellation) =>
            {
                if (parsed.GetValue(port) > ushort.MaxValue)
                    throw new UserErrorException(
                        $"expected --port to be at most {ushort.MaxValue}, got {parsed.GetValue(port)}"
                    );
                ModelRequest request = model.Read(parsed);
                using OpenedModel opened = request.Open(cancellation);
                Serve(
                        opened.Model,
                        NameOf(request.Name),
                        parsed.GetValue(port),
                        parsed.GetValue(delay),
                        Output.Of(parsed),
                        cancellation
                    )
                    .GetAwaiter()
                    .GetResult();
                return 0;
            }
        );
    }

    private static async Task Serve(
        IPredictor model,
        string name,
        int port,
        int delay,
        Output output,
        CancellationToken cancellation
    )
    {
        await using ModelServer server = await ModelServer.Start(model, name, port, TimeSpan.FromMilliseconds(delay));
        output.Line(server.Url.ToString());
        await Task.Delay(Timeout.Infinite, cancellation)
            .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    // A name for the URL: mnist/a becomes mnist-a, and a file loses its folder and extension.
    private static string NameOf(string model)
    {
        string name = File.Exists(model)
            ? Path.GetFileNameWithoutExtension(model)
            : model.TrimEnd('/').Split("://")[^1];
        return string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'));
    }
}
