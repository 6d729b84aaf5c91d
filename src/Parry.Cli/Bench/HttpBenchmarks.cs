using System.Diagnostics;
using Parry.Attacks;
using Parry.Attacks.DecisionBased;
using Parry.Cli.Serving;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Cli.Bench;

/// <summary>
/// What it costs that a model is behind an address: HopSkipJump on a server in this process that answers in 5 ms,
/// against the same attack on the model itself.
/// </summary>
internal static class HttpBenchmarks
{
    private const string Command = "parry bench http --json";
    private const int Steps = 10,
        Milliseconds = 5;

    /// <summary>Measures.</summary>
    /// <param name="model">The model.</param>
    /// <param name="images">[N, C, H, W] in [0, 1].</param>
    /// <param name="labels">[N] int64.</param>
    public static IEnumerable<BenchRow> Rows(IClassifier model, Tensor images, Tensor labels)
    {
        var attack = new HopSkipJump { Steps = Steps };
        Goal goal = Goal.Untargeted(labels);
        var settings = new HttpSettings();
        (AttackResult Result, double Seconds, double Processor) Timed(IPredictor victim)
        {
            long start = Stopwatch.GetTimestamp();
            TimeSpan used = Environment.CpuUsage.TotalTime;
            AttackResult result = AttackDispatch.Run(attack, victim, new AttackRun(images, goal, 1))[0];
            return (
                result,
                Stopwatch.GetElapsedTime(start).TotalSeconds,
                (Environment.CpuUsage.TotalTime - used).TotalSeconds
            );
        }

        Timed(model).Result.Dispose();
        var (here, cost, work) = Timed(model);
        ModelServer server = ModelServer
            .Start(model, "benchmark", delay: TimeSpan.FromMilliseconds(Milliseconds))
            .GetAwaiter()
            .GetResult();
        using var remote = HttpModel.Open(
            server.Url,
            settings,
            new InputContract { Outputs = OutputKind.Logits },
            model.Shape,
            model.Classes
        );
        remote.Predict(Parry.Models.Images.Of(images)).Dispose();
        EndpointUse before = remote.Use;
        var (there, total, spent) = Timed(remote);
        double sent = remote.Use.Sent - before.Sent,
            requests = remote.Use.Requests - before.Requests;
        server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        double waiting = sent / settings.Batch * Milliseconds / 1000;
        string name = $"{attack} on {images.size(0)} MNIST images behind an address";
        yield return BenchRow.AtMost(
            $"{name}: time beyond the attack's own, over queries / {settings.Batch} x {Milliseconds} ms",
            (total - cost) / waiting,
            "times",
            1.3,
            Command
        );
        yield return Said($"{name}: in all", total, "seconds");
        yield return Said("the same attack on the model itself", cost, "seconds");
        yield return Said("processor time of the one and of the other: in all", spent, "seconds");
        yield return Said("on the model itself", work, "seconds");
        yield return Said("queries", sent, "images");
        yield return Said("requests", requests, "requests");
        yield return Said("images in a request, of at most " + settings.Batch, sent / requests, "images");
        yield return Said("images with another result than on the model itself", Different(here, there), "images");
        here.Dispose();
        there.Dispose();
    }

    private static BenchRow Said(string name, double value, string unit) => new(name, value, unit, "", null, Command);

    private static int Different(AttackResult first, AttackResult second)
    {
        using Tensor change = first.Images.sub(second.Images),
            largest = change.abs().amax([1, 2, 3]);
        return largest.ToArray<float>().Count(value => value != 0);
    }
}
