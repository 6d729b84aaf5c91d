using System.Diagnostics;
using Parry.Attacks;
using Parry.Data;
using Parry.Models;
using Parry.Models.Http;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Benchmarks.Bounds;

/// <summary>
/// What a model served over HTTP costs: HopSkipJump on <c>parry serve</c>, which takes 5 ms to an answer, against the
/// same attack on the model itself.
/// </summary>
internal static class HttpBounds
{
    private const string Attack = "hsj:steps=10";
    private const int Delay = 5;

    /// <summary>Measures.</summary>
    /// <param name="model">A model of MNIST that gives logits.</param>
    /// <param name="dataDir">The folder to look for data in first.</param>
    public static IEnumerable<Measurement> Rows(string model, string? dataDir)
    {
        Victim victim = Victim.Open(DataSets.Mnist, model, 100, dataDir);
        using Process server = ParryProgram.Serve(model, victim.Model.Shape, Delay, out Uri address);
        try
        {
            var settings = new HttpSettings();
            var contract = new InputContract { Outputs = OutputKind.Logits };
            using var remote = HttpModel.Open(address, settings, contract, victim.Model.Shape, victim.Model.Classes);
            remote.Predict(Images.Of(victim.Images)).Dispose();
            Timed(victim.Model).Result.Dispose();
            var here = Timed(victim.Model);
            EndpointUse before = remote.Use;
            var there = Timed(remote);
            double sent = remote.Use.Sent - before.Sent;
            double requests = remote.Use.Requests - before.Requests;

            string name = $"{Attack} on {victim.Count} MNIST images over HTTP";
            double waiting = sent / settings.Batch * Delay / 1000;
            return
            [
                Measurement.AtMost(
                    $"{name}: time beyond the attack's own, over queries / {settings.Batch} x {Delay} ms",
                    (there.Seconds - here.Seconds) / waiting,
                    "times",
                    1.3
                ),
                new($"{name}: in all", there.Seconds, "seconds"),
                new("the same attack on the model itself", here.Seconds, "seconds"),
                new("processor time of the one and of the other: in all", there.Processor, "seconds"),
                new("on the model itself", here.Processor, "seconds"),
                new("queries", sent, "images"),
                new("requests", requests, "requests"),
                new($"images in a request, of at most {settings.Batch}", sent / requests, "images"),
                new(
                    "images with another result than on the model itself",
                    Different(here.Result, there.Result),
                    "images"
                ),
            ];
        }
        finally
        {
            server.Kill();
        }

        // The processor time is that of this process and of the server.
        (AttackResult Result, double Seconds, double Processor) Timed(IPredictor on)
        {
            long start = Stopwatch.GetTimestamp();
            double before = ProcessorSeconds();
            AttackResult result = victim.Run(Attack, on);
            return (result, Stopwatch.GetElapsedTime(start).TotalSeconds, ProcessorSeconds() - before);
        }

        double ProcessorSeconds()
        {
            server.Refresh();
            return (Environment.CpuUsage.TotalTime + server.TotalProcessorTime).TotalSeconds;
        }
    }

    private static int Different(AttackResult first, AttackResult second)
    {
        using Tensor change = first.Images.sub(second.Images);
        using Tensor largest = change.abs().MaxPerImage();
        return largest.ToArray<float>().Count(value => value != 0);
    }
}
