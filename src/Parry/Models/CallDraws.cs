using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models;

/// <summary>
/// The random draws of a model that draws anew at each call: they belong to the call and to the samples, or to the
/// rows' positions as long as it is bound to none.
/// </summary>
internal sealed class CallDraws
{
    private readonly SampleRandom _random;
    private readonly bool _anew;
    private readonly ReadOnlyMemory<long>? _samples;
    private readonly Counter _calls;

    /// <summary>The draws of a seed, bound to no samples.</summary>
    public CallDraws(long seed)
        : this(new SampleRandom(seed, default), anew: true, null, new Counter()) { }

    /// <summary>The same draws at every call, bound to no samples.</summary>
    public CallDraws(SampleRandom same)
        : this(same, anew: false, null, new Counter()) { }

    private CallDraws(SampleRandom random, bool anew, ReadOnlyMemory<long>? samples, Counter calls) =>
        (_random, _anew, _samples, _calls) = (random, anew, samples, calls);

    /// <summary>
    /// The draws for these samples. Once bound, a narrower binding goes on counting its calls, so each call has draws
    /// of its own.
    /// </summary>
    public CallDraws For(ReadOnlyMemory<long> samples) =>
        new(_random, _anew, samples, _samples is null ? new Counter() : _calls);

    /// <summary>The draws of the next call, on these images.</summary>
    /// <exception cref="InvalidOperationException">There are more or fewer images than samples.</exception>
    public SampleRandom Next(Tensor images)
    {
        long rows = images.size(0);
        ReadOnlyMemory<long> samples = _samples ?? Enumerable.Range(0, (int)rows).Select(row => (long)row).ToArray();
        if (samples.Length != rows)
            throw new InvalidOperationException(
                $"A batch of {rows} rows came where {samples.Length} samples were announced: call "
                    + $"model.For(samples) when samples leave."
            );
        SampleRandom bound = _random.For(samples);
        return _anew ? bound.Fork(_calls.Next()) : bound;
    }

    private sealed class Counter
    {
        private long _count;

        public long Next() => Interlocked.Increment(ref _count);
    }
}
