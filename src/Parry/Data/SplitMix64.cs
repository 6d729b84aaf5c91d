namespace Parry.Data;

/// <summary>
/// Vigna's SplitMix64 (Steele, Lea, Flood 2014): a random stream fixed by its seed on every machine and runtime, which
/// <see cref="Random"/> does not promise.
/// </summary>
internal struct SplitMix64(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The next 64 random bits.</summary>
    public ulong Next()
    {
        var z = _state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    /// <summary>A number in [0, <paramref name="bound"/>), every one equally likely.</summary>
    public int Next(int bound)
    {
        // Values below 2^64 mod bound are drawn again, so that the rest divides evenly.
        var range = (ulong)bound;
        var reject = (0 - range) % range;
        ulong value;
        do
        {
            value = Next();
        } while (value < reject);

        return (int)(value % range);
    }
}
