using System.Runtime.InteropServices;
using Parry.Torch;

namespace Parry;

/// <summary>
/// Random numbers that belong to samples: a draw depends on the seed, the sample and the number of the draw, and on nothing else, so a sample gets the
/// same numbers in every batch and on every worker. It has no state. The generator is Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, 2011).
/// </summary>
public sealed class SampleRandom
{
    private const uint FirstMultiplier = 0xD2511F53, SecondMultiplier = 0xCD9E8D57;
    private const uint FirstWeyl = 0x9E3779B9, SecondWeyl = 0xBB67AE85;

    private readonly ulong _key;
    private readonly ReadOnlyMemory<long> _samples;

    /// <summary>Streams of a seed for a batch whose rows are these samples.</summary>
    public SampleRandom(long seed, ReadOnlyMemory<long> samples) : this(Mix((ulong)seed), samples)
    {
    }

    private SampleRandom(ulong key, ReadOnlyMemory<long> samples)
    {
        _key = key;
        _samples = samples;
    }

    /// <summary>The samples that the rows of the batch are.</summary>
    public ReadOnlyMemory<long> Samples => _samples;

    /// <summary>Streams of the same seed for another batch.</summary>
    public SampleRandom For(ReadOnlyMemory<long> samples) => new(_key, samples);

    /// <summary>Streams independent of these, one set for each number: for restarts, or for parts of a method.</summary>
    public SampleRandom Fork(long number) => new(Mix(_key ^ Mix((ulong)number + 0x632BE59BD9B4E019)), _samples);

    /// <summary>The seed of a generator of these streams, one for each number: for draws that belong to no sample, such as a network's first weights.</summary>
    public long Seed(long number) => (long)Mix(Mix(_key + 0x2545F4914F6CDD1D) ^ (ulong)number);

    /// <summary>Uniform numbers in [0, 1), float32 [N, shape].</summary>
    /// <param name="draw">The number of the draw: another one gives other numbers.</param>
    /// <param name="shape">Of one sample's numbers.</param>
    public Tensor Uniform(long draw, params ReadOnlySpan<long> shape) =>
        Draw(draw, shape, words =>
        {
            Span<float> numbers = MemoryMarshal.Cast<uint, float>(words);
            for (int i = 0; i < words.Length; i++) numbers[i] = (words[i] >> 8) * (1f / (1 << 24));
        });

    /// <summary>Standard normal numbers, float32 [N, shape].</summary>
    /// <param name="draw">The number of the draw: another one gives other numbers.</param>
    /// <param name="shape">Of one sample's numbers.</param>
    public Tensor Normal(long draw, params ReadOnlySpan<long> shape) =>
        Draw(draw, shape, words =>
        {
            // Box and Muller, two at a time; blocks of four words are always drawn whole.
            Span<float> numbers = MemoryMarshal.Cast<uint, float>(words);
            for (int i = 0; i + 1 < words.Length; i += 2)
            {
                double radius = Math.Sqrt(-2 * Math.Log((words[i] + 1.0) / 4294967296.0));
                var (sine, cosine) = Math.SinCos(words[i + 1] * (2 * Math.PI / 4294967296.0));
                numbers[i] = (float)(radius * cosine);
                numbers[i + 1] = (float)(radius * sine);
            }
        });

    private delegate void Convert(Span<uint> words);

    private Tensor Draw(long draw, ReadOnlySpan<long> shape, Convert convert)
    {
        long[] full = [_samples.Length, .. shape];
        int each = 1;
        foreach (long size in shape) each = checked(each * (int)size);
        var values = new float[checked(_samples.Length * each)];
        var words = new uint[(each + 3) / 4 * 4];
        for (int row = 0; row < _samples.Length; row++)
        {
            ulong stream = Mix(Mix(_key ^ (ulong)_samples.Span[row]) + (ulong)draw);
            for (int block = 0; block < words.Length; block += 4)
                Block(stream, (uint)block, (uint)_samples.Span[row], (uint)(_samples.Span[row] >> 32), 0, words.AsSpan(block, 4));
            convert(words);
            MemoryMarshal.Cast<uint, float>(words)[..each].CopyTo(values.AsSpan(row * each));
        }

        return Tensor.From<float>(values, full);
    }

    // The counter is the words a to d.
    internal static void Block(ulong key, uint a, uint b, uint c, uint d, Span<uint> output)
    {
        uint first = (uint)key, second = (uint)(key >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong x = (ulong)FirstMultiplier * a, y = (ulong)SecondMultiplier * c;
            (a, b, c, d) = ((uint)(y >> 32) ^ b ^ first, (uint)y, (uint)(x >> 32) ^ d ^ second, (uint)x);
            first += FirstWeyl;
            second += SecondWeyl;
        }

        output[0] = a;
        output[1] = b;
        output[2] = c;
        output[3] = d;
    }

    private static ulong Mix(ulong value)
    {
        value += 0x9e3779b97f4a7c15;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
