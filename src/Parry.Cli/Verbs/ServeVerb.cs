using System.CommandLine;
using System.Globalization;
using Parry.Cli.Serving;
using Parry.Models;

namespace Parry.Cli.Verbs;

/// <summary><c>parry serve</c>: a model behind an address on this machine, by the protocol that <c>parry attack</c> and <c>parry evaluate</c> ask by.</summary>
internal static class ServeVerb
{
    private const int LargestSide = 1 << 14;

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Option<string> model = Arguments.Model();
        var size = new Option<string?>("--input-size") { Description = "The size of the images, where the model's file does not say it, as 3x32x32.", HelpName = "CxHxW" };
        Option<int> port = Arguments.Number("--port", "The port; 0 for any that is free.", 0, 0);
        Option<int> delay = Arguments.Number("--delay-ms", "Milliseconds from a request to its answer, at least: for tests and benchmarks.", 0, 0);
        return new Command("serve", "Serve a model on 127.0.0.1 by the Open Inference Protocol v2, until Ctrl-C; the first line is its address.")
        {
            model, size, port, delay,
        }.Does((parsed, cancellation) =>
        {
            if (parsed.GetValue(port) > ushort.MaxValue) throw new UserErrorException($"expected --port to be at most {ushort.MaxValue}, got {parsed.GetValue(port)}");
            string name = parsed.GetRequiredValue(model);
            var contract = new InputContract { Size = parsed.GetValue(size) is { } text ? SizeOf(text) : null };
            using OpenedModel opened = ModelCatalog.Open(name, null, null, contract, cancellation: cancellation);
            Serve(opened.Model, NameOf(name), parsed.GetValue(port), parsed.GetValue(delay), Output.Of(parsed), cancellation).GetAwaiter().GetResult();
            return 0;
        });
    }

    private static async Task Serve(IPredictor model, string name, int port, int delay, Output output, CancellationToken cancellation)
    {
        await using ModelServer server = await ModelServer.Start(model, name, port, TimeSpan.FromMilliseconds(delay));
        output.Line(server.Url.ToString());
        await Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    // What may stand in an address: mnist/a is mnist-a, a file goes without folder and extension.
    private static string NameOf(string model)
    {
        string name = File.Exists(model) ? Path.GetFileNameWithoutExtension(model) : model.TrimEnd('/').Split("://")[^1];
        return string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'));
    }

    private static ImageShape SizeOf(string text)
    {
        int[] sizes = [.. text.Split('x').Select(size => int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : 0)];
        return sizes.Length == 3 && sizes.All(value => value is >= 1 and <= LargestSide)
            ? new ImageShape(sizes[0], sizes[1], sizes[2])
            : throw new UserErrorException($"expected --input-size to be CxHxW, as 3x32x32, got \"{text}\"");
    }
}
