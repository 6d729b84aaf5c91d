using System.Runtime.Intrinsics;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

public class SampleRandomTests
{
    private const int Many = 100_000;

    [Theory]
    [InlineData(0, new uint[] { 0, 0, 0, 0 }, new uint[] { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 })]
    [InlineData(
        ulong.MaxValue,
        new[] { uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue },
        new uint[] { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd }
    )]
    [InlineData(
        0x299f31d0a4093822,
        new uint[] { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
        new uint[] { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 }
    )]
    public void The_generator_gives_the_published_numbers_of_Philox_4x32_10(ulong key, uint[] counter, uint[] expected)
    {
        Vector512<ulong>[] words = [.. counter.Select(word => Vector512.Create((ulong)word))];
        SampleRandom.Block(key, ref words[0], ref words[1], ref words[2], ref words[3]);
        Assert.Equal(expected.Select(word => Vector512.Create((ulong)word)), words);
    }

    [Fact]
    public void A_sample_draws_the_same_in_every_batch()
    {
        var random = new SampleRandom(7, new long[] { 0, 1, 2, 5_000_000_000 });
        float[][] batch = [.. Read(random.Uniform(3, 2, 5)).Chunk(10)];
        Assert.Equal(batch[2], Read(random.For(new long[] { 2 }).Uniform(3, 2, 5)));
        Assert.Equal(batch[3], Read(new SampleRandom(7, new long[] { 9, 5_000_000_000 }).Uniform(3, 2, 5))[10..]);
        Assert.Equal([.. batch[1], .. batch[1]], Read(random.For(new long[] { 1, 1 }).Uniform(3, 2, 5)));
        Assert.Equal(
            Read(random.Fork(4).For(new long[] { 2 }).Normal(0, 6)),
            Read(random.For(new long[] { 2 }).Fork(4).Normal(0, 6))
        );
    }

    [Fact]
    public void Seeds_samples_draws_and_forks_all_give_other_numbers()
    {
        var random = new SampleRandom(1, new long[] { 0, 1 });
        float[][] streams =
        [
            .. Read(random.Uniform(0, Many)).Chunk(Many),
            Read(random.Uniform(1, Many)),
            Read(random.Fork(0).Uniform(0, Many)),
            Read(random.Fork(1).Uniform(0, Many)),
            Read(random.Fork(0).Fork(0).Uniform(0, Many)),
            Read(new SampleRandom(2, new long[] { 0 }).Uniform(0, Many)),
            Read(new SampleRandom(-1, new long[] { 0 }).Uniform(0, Many)),
        ];
        for (int a = 0; a < streams.Length; a++)
        {
            for (int b = 0; b < a; b++)
            {
                // Of independent streams the correlation is normal with the deviation 1/√n; five of them are out of
                // reach of chance.
                double correlation =
                    Enumerable.Range(0, Many).Average(i => (streams[a][i] - 0.5) * (streams[b][i] - 0.5)) * 12;
                Assert.InRange(Math.Abs(correlation), 0, 5 / Math.Sqrt(Many));
            }
        }
    }

    [Fact]
    public void Uniform_numbers_are_uniform()
    {
        float[] numbers = Read(new SampleRandom(3, new long[] { 0 }).Uniform(0, Many));
        Assert.All(numbers, number => Assert.InRange(number, 0, 0.99999999f));
        Assert.InRange(KolmogorovSmirnov(numbers, x => x), 0, 2 / Math.Sqrt(Many));
    }

    [Fact]
    public void Normal_numbers_are_normal()
    {
        float[] numbers = Read(new SampleRandom(3, new long[] { 0 }).Normal(0, Many));
        double Moment(int power) => numbers.Average(number => Math.Pow(number, power));
        Assert.Equal(0, Moment(1), 0.02);
        Assert.Equal(1, Moment(2), 0.03);
        Assert.Equal(0, Moment(3), 0.06);
        Assert.Equal(3, Moment(4), 0.2);
        Assert.InRange(KolmogorovSmirnov(numbers, Cumulative), 0, 2 / Math.Sqrt(Many));
    }

    [Fact]
    public void Neighboring_samples_are_as_random_as_neighboring_numbers()
    {
        float[] first = Read(
            new SampleRandom(3, Enumerable.Range(0, Many).Select(i => (long)i).ToArray()).Uniform(0, 1)
        );
        Assert.InRange(KolmogorovSmirnov(first, x => x), 0, 2 / Math.Sqrt(Many));
        double correlation = first.Zip(first.Skip(1), (a, b) => (a - 0.5) * (b - 0.5)).Average() * 12;
        Assert.InRange(Math.Abs(correlation), 0, 5 / Math.Sqrt(Many));
    }

    private static float[] Read(Tensor tensor)
    {
        using (tensor)
            return tensor.ToArray<float>();
    }

    private static double KolmogorovSmirnov(float[] numbers, Func<double, double> cumulative)
    {
        double[] sorted = [.. numbers.Order().Select(number => cumulative(number))];
        return sorted
            .Select((p, i) => Math.Max(((i + 1.0) / sorted.Length) - p, p - ((double)i / sorted.Length)))
            .Max();
    }

    // The normal distribution by Simpson's rule.
    private static double Cumulative(double x)
    {
        const int pieces = 60;
        double h = x / pieces;
        double sum = 0;
        for (int i = 0; i <= pieces; i++)
            sum +=
                Math.Exp(-0.5 * i * h * i * h)
                * (
                    i is 0 or pieces ? 1
                    : i % 2 == 1 ? 4
                    : 2
                );
        return 0.5 + (sum * h / 3 / Math.Sqrt(2 * Math.PI));
    }
}
