using System.Diagnostics;

namespace Parry.Cli.Evaluating;

/// <summary>Measures on a few images how long a plan takes.</summary>
internal static class TimeEstimate
{
    private const int Few = 4;
    private const int More = 12;

    // Ranges of a hundred images take less for each image; a busy or slower machine takes more.
    private const double Safety = 2;

    /// <summary>
    /// How long one of several shards should be given: twice what two small evaluations, of which one has three times
    /// the images, say of what an evaluation takes in any case and what it takes for each image.
    /// </summary>
    public static TimeSpan OfShard(EvaluateRequest request, int shards, CancellationToken cancellation)
    {
        double few = Seconds(request, Few, cancellation);
        double more = Seconds(request, More, cancellation);
        double each = Math.Max(0, (more - few) / (More - Few));
        double once = Math.Max(0, few - (Few * each));
        return TimeSpan.FromSeconds(Safety * (once + (each * Math.Ceiling((double)request.Count / shards))));
    }

    private static double Seconds(EvaluateRequest request, int images, CancellationToken cancellation)
    {
        string folder = Directory.CreateTempSubdirectory("parry-estimate-").FullName;
        try
        {
            long begun = Stopwatch.GetTimestamp();
            var run = new EvaluateRun(request with { Count = images }, folder, new EvaluateMode { Fresh = true });
            run.Run(progress: null, cancellation);
            return Stopwatch.GetElapsedTime(begun).TotalSeconds;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
