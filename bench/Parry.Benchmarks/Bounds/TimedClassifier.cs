using System.Collections.Concurrent;
using System.Diagnostics;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Benchmarks.Bounds;

/// <summary>
/// A model that adds up, for every worker, how long its calls take and how long the worker was at it from the first
/// call to the last.
/// </summary>
internal sealed class TimedClassifier(IClassifier model) : IClassifier
{
    private readonly ConcurrentDictionary<int, (long First, long Last, long Inside)> _workers = new();

    public ImageShape Shape => model.Shape;

    public int Classes => model.Classes;

    /// <summary>The time of all work over that inside the model.</summary>
    public double Ratio =>
        (double)_workers.Values.Sum(worker => worker.Last - worker.First)
        / _workers.Values.Sum(worker => worker.Inside);

    public Tensor Logits(Images images) => Timed(() => model.Logits(images));

    Tensor IScorer.Probabilities(Images images) => Timed(() => model.Probabilities(images));

    Tensor IPredictor.Predict(Images images) => Timed(() => model.Predict(images));

    LossGradient IClassifier.Gradient(Images images, Func<Tensor, Tensor> loss) =>
        Timed(() => model.Gradient(images, loss));

    Jacobian IClassifier.Jacobian(Images images, int count, Func<Tensor, Tensor> losses) =>
        Timed(() => model.Jacobian(images, count, losses));

    public IDisposable? EnterEvaluation() => model.EnterEvaluation();

    private T Timed<T>(Func<T> call)
    {
        long start = Stopwatch.GetTimestamp();
        T answer = call();
        long end = Stopwatch.GetTimestamp();
        _workers.AddOrUpdate(
            Environment.CurrentManagedThreadId,
            (start, end, end - start),
            (_, before) => (before.First, end, before.Inside + end - start)
        );
        return answer;
    }
}
