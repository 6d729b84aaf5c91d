namespace Parry.Models;

/// <summary>
/// The random draws of a randomized model. Each draw depends on the sample and, unless they are all the same, on the
/// call.
/// </summary>
internal sealed class CallDraws
{
    private readonly SampleRandom _random;
    private readonly bool _perCall;

    /// <summary>Makes new draws at each call of a run.</summary>
    public CallDraws(long seed)
        : this(new SampleRandom(seed, default), perCall: true) { }

    /// <summary>Makes the same draws at every call.</summary>
    public CallDraws(SampleRandom same)
        : this(same, perCall: false) { }

    private CallDraws(SampleRandom random, bool perCall) => (_random, _perCall) = (random, perCall);

    /// <summary>The draws of a call on these images.</summary>
    public SampleRandom Next(Images images)
    {
        SampleRandom random = _random.For(images.Samples);
        return _perCall ? random.Fork(images.NextCall(this)) : random;
    }
}
