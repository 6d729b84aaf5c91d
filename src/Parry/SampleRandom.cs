using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry;

/// <summary>
/// Random numbers that belong to samples: a draw depends on the seed, the sample and the number of the draw, and on
/// nothing else, so a sample gets the same numbers in every batch and on every worker. It has no state. The generator
/// is Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, 2011).
/// </summary>
public sealed class SampleRandom
{
    private const uint FirstMultiplier = 0xD2511F53;
    private const uint SecondMultiplier = 0xCD9E8D57;
    private const uint FirstWeyl = 0x9E3779B9;
    private const uint SecondWeyl = 0xBB67AE85;

    private readonly ulong _key;
    private readonly ReadOnlyMemory<long> _samples;

    /// <summary>Streams of a seed for a batch whose rows are these samples.</summary>
    public SampleRandom(long seed, ReadOnlyMemory<long> samples)
        : this(Mix((ulong)seed), samples) { }

    private SampleRandom(ulong key, ReadOnlyMemory<long> samples)
    {
        _key = key;
        _samples = samples;
    }

    /// <summary>The samples that the rows of the batch are.</summary>
    public ReadOnlyMemory<long> Samples => _samples;

    /// <summary>Streams of the same seed for another batch.</summary>
    public SampleRandom For(ReadOnlyMemory<long> samples) => new(_key, samples);

    /// <summary>
    /// Streams independent of these, one set for each number: for restarts, or for parts of a method.
    /// </summary>
    public SampleRandom Fork(long number) => new(Mix(_key ^ Mix((ulong)number + 0x632BE59BD9B4E019)), _samples);

    /// <summary>
    /// The seed of a generator of these streams, one for each number: for draws that belong to no sample, such as a
    /// network's first weights.
    /// </summary>
    public long Seed(long number) => (long)Mix(Mix(_key + 0x2545F4914F6CDD1D) ^ (ulong)number);

    /// <summary>Uniform numbers in [0, 1), float32 [N, shape].</summary>
    /// <param name="draw">The number of the draw: another one gives other numbers.</param>
    /// <param name="shape">Of one sample's numbers.</param>
    public Tensor Uniform(long draw, params ReadOnlySpan<long> shape) => Draw(draw, shape, Uniforms);

    /// <summary>Standard normal numbers, float32 [N, shape].</summary>
    /// <param name="draw">The number of the draw: another one gives other numbers.</param>
    /// <param name="shape">Of one sample's numbers.</param>
    public Tensor Normal(long draw, params ReadOnlySpan<long> shape) => Draw(draw, shape, Normals);

    /// <summary>-1 or 1 with equal chances, float32 [N, shape].</summary>
    /// <param name="draw">The number of the draw: another one gives other numbers.</param>
    /// <param name="shape">Of one sample's numbers.</param>
    public Tensor Signs(long draw, params ReadOnlySpan<long> shape)
    {
        Vector512<int> bits = Vector512.Create(
            1,
            2,
            4,
            8,
            16,
            32,
            64,
            128,
            256,
            512,
            1024,
            2048,
            4096,
            8192,
            16384,
            32768
        );
        return Draw(
            draw,
            shape,
            (stream, sample, numbers) =>
            {
                // Each word gives the signs of 32 numbers, its lowest bit the first one's.
                var words = new float[(numbers.Length + 31) / 32];
                Fill(stream, sample, words, static (first, second) => first | (second << 32));
                Span<float> group = stackalloc float[32];
                for (int i = 0; i < words.Length; i++)
                {
                    int word = BitConverter.SingleToInt32Bits(words[i]);
                    for (int half = 0; half < 2; half++)
                    {
                        Vector512<int> minus = Vector512.Equals(
                            Vector512.Create(word >> (16 * half)) & bits,
                            Vector512<int>.Zero
                        );
                        Vector512
                            .ConditionalSelect(minus.AsSingle(), Vector512.Create(-1f), Vector512.Create(1f))
                            .CopyTo(group[(16 * half)..]);
                    }

                    Span<float> left = numbers[(32 * i)..];
                    group[..Math.Min(32, left.Length)].CopyTo(left);
                }
            }
        );
    }

    private delegate void Filling(ulong stream, long sample, Span<float> numbers);

    // From words in the lower halves of two vectors to pairs of numbers, those of the first vector in the lower halves.
    private delegate Vector512<ulong> Conversion(Vector512<ulong> first, Vector512<ulong> second);

    private Tensor Draw(long draw, ReadOnlySpan<long> shape, Conversion convert) =>
        Draw(draw, shape, (stream, sample, numbers) => Fill(stream, sample, numbers, convert));

    private Tensor Draw(long draw, ReadOnlySpan<long> shape, Filling fill)
    {
        long[] full = [_samples.Length, .. shape];
        int each = 1;
        foreach (long size in shape)
            each = checked(each * (int)size);
        int count = checked(_samples.Length * each);
        float[] values = ArrayPool<float>.Shared.Rent(count);
        for (int row = 0; row < _samples.Length; row++)
        {
            long sample = _samples.Span[row];
            fill(Mix(Mix(_key ^ (ulong)sample) + (ulong)draw), sample, values.AsSpan(row * each, each));
        }

        Tensor tensor = TensorData.From<float>(values.AsSpan(0, count), full);
        ArrayPool<float>.Shared.Return(values);
        return tensor;
    }

    // Eight blocks of four words at once. A block's counter is the position of its first word, then the sample, then
    // zero. Before the compiler optimizes them, vectors are a hundred times slower, and a short run would be over by
    // then.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fill(ulong stream, long sample, Span<float> numbers, Conversion convert)
    {
        Span<float> group = stackalloc float[32];
        Span<ulong> pairs = MemoryMarshal.Cast<float, ulong>(group);
        Vector512<ulong> lanes = Vector512.Create(0ul, 4, 8, 12, 16, 20, 24, 28);
        Vector512<ulong> lower = Vector512.Create((ulong)(uint)sample);
        Vector512<ulong> upper = Vector512.Create((ulong)sample >> 32);
        for (int position = 0; position < numbers.Length; position += group.Length)
        {
            var (a, b, c, d) = (Vector512.Create((ulong)position) + lanes, lower, upper, Vector512<ulong>.Zero);
            Block(stream, ref a, ref b, ref c, ref d);
            Vector512<ulong> first = convert(a, b);
            Vector512<ulong> second = convert(c, d);
            for (int i = 0; i < Vector512<ulong>.Count; i++)
                (pairs[2 * i], pairs[(2 * i) + 1]) = (first[i], second[i]);
            Span<float> left = numbers[position..];
            group[..Math.Min(group.Length, left.Length)].CopyTo(left);
        }
    }

    // Philox on eight counters, each word in the lower half of its lane.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Block(
        ulong key,
        ref Vector512<ulong> a,
        ref Vector512<ulong> b,
        ref Vector512<ulong> c,
        ref Vector512<ulong> d
    )
    {
        Vector512<ulong> word = Vector512.Create((ulong)uint.MaxValue);
        Vector512<ulong> one = Vector512.Create((ulong)FirstMultiplier);
        Vector512<ulong> two = Vector512.Create((ulong)SecondMultiplier);
        uint first = (uint)key;
        uint second = (uint)(key >> 32);
        for (int round = 0; round < 10; round++)
        {
            Vector512<ulong> x = one * a;
            Vector512<ulong> y = two * c;
            (a, b, c, d) = (
                (y >>> 32) ^ b ^ Vector512.Create((ulong)first),
                y & word,
                (x >>> 32) ^ d ^ Vector512.Create((ulong)second),
                x & word
            );
            first += FirstWeyl;
            second += SecondWeyl;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector512<ulong> Uniforms(Vector512<ulong> first, Vector512<ulong> second)
    {
        const double unit = 1.0 / (1 << 24);
        return Pairs(
            Vector512.ConvertToDouble((first >>> 8).AsInt64()) * unit,
            Vector512.ConvertToDouble((second >>> 8).AsInt64()) * unit
        );
    }

    // Box and Muller, two at a time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector512<ulong> Normals(Vector512<ulong> first, Vector512<ulong> second)
    {
        const double unit = 1 / 4294967296.0;
        Vector512<double> radius = Vector512.Sqrt(
            Vector512.Log((Vector512.ConvertToDouble(first.AsInt64()) + Vector512<double>.One) * unit) * -2
        );
        var (sine, cosine) = Vector512.SinCos(Vector512.ConvertToDouble(second.AsInt64()) * (2 * Math.PI * unit));
        (cosine, sine) = (cosine * radius, sine * radius);
        if ((IsNearTie(cosine) | IsNearTie(sine)) == Vector512<ulong>.Zero)
            return Pairs(cosine, sine);

        // Vectors and scalars differ in the last bits of a double, and so may processors: where that could change the
        // float, the scalar decides.
        for (int i = 0; i < Vector512<ulong>.Count; i++)
        {
            double exact = Math.Sqrt(-2 * Math.Log((first[i] + 1.0) * unit));
            var (s, c) = Math.SinCos(second[i] * (2 * Math.PI * unit));
            (cosine, sine) = (cosine.WithElement(i, exact * c), sine.WithElement(i, exact * s));
        }

        return Pairs(cosine, sine);
    }

    // Within 64 units in the last place of the middle between two floats, or so small that the relative error is
    // unknown.
    private static Vector512<ulong> IsNearTie(Vector512<double> numbers)
    {
        Vector512<ulong> beyond =
            (numbers.AsUInt64() + Vector512.Create(64ul) - Vector512.Create(1ul << 28))
            & Vector512.Create((1ul << 29) - 1);
        return Vector512.LessThan(beyond, Vector512.Create(128ul))
            | Vector512.LessThan(Vector512.Abs(numbers), Vector512.Create(1e-6)).AsUInt64();
    }

    private static Vector512<ulong> Pairs(Vector512<double> first, Vector512<double> second) =>
        Vector512
            .Shuffle(
                Vector512.Narrow(first, second),
                Vector512.Create(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15)
            )
            .AsUInt64();

    private static ulong Mix(ulong value)
    {
        value += 0x9e3779b97f4a7c15;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
