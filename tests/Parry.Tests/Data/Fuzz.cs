using System.Buffers.Binary;
using System.Diagnostics;
using Parry.Data;

namespace Parry.Tests.Data;

/// <summary>Feeds a reader with thousands of damaged files, the same ones every time.</summary>
internal static class Fuzz
{
    private static readonly TimeSpan s_slow = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Reads <paramref name="count"/> mutations of the samples. The reader may refuse one with an exception for bad
    /// input, must not take more memory than <paramref name="bound"/> says for the file's length, and must not take
    /// seconds. Returns how many it refused.
    /// </summary>
    public static int Run(byte[][] samples, int count, Func<long, long> bound, Action<byte[]> read)
    {
        foreach (var sample in samples)
        {
            read(sample);
        }

        var random = new SplitMix64(20_20);
        var refused = 0;
        for (var i = 0; i < count; i++)
        {
            var file = Mutate(samples, ref random);
            var watch = Stopwatch.StartNew();
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(file);
            }
            catch (Exception e) when (e is UserErrorException or InvalidDataException)
            {
                refused++;
                Assert.DoesNotContain('\n', e.Message);
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(
                allocated <= bound(file.Length),
                $"mutation {i} of {file.Length} bytes made the reader allocate {allocated}"
            );
            Assert.True(watch.Elapsed < s_slow, $"mutation {i} of {file.Length} bytes took {watch.Elapsed}");
        }

        return refused;
    }

    private static byte[] Mutate(byte[][] samples, ref SplitMix64 random)
    {
        var sample = samples[random.Next(samples.Length)];
        var file = (byte[])sample.Clone();
        switch (random.Next(6))
        {
            case 0: // flipped bits anywhere
                for (var flips = 1 + random.Next(8); flips > 0; flips--)
                {
                    file[random.Next(file.Length)] ^= (byte)(1 << random.Next(8));
                }

                return file;
            case 1: // cut off
                return file[..random.Next(file.Length)];
            case 2: // a piece of one file inside another
                var other = samples[random.Next(samples.Length)];
                var from = random.Next(other.Length);
                var piece = other.AsSpan(from, random.Next(other.Length - from + 1));
                var at = random.Next(file.Length);
                return [.. file.AsSpan(0, at), .. piece, .. file.AsSpan(at)];
            case 3: // random bytes in the header
                for (var i = random.Next(8); i < Math.Min(file.Length, 40); i += 1 + random.Next(8))
                {
                    file[i] = (byte)random.Next(256);
                }

                return file;
            case 4: // a telling number somewhere in the header
                ReadOnlySpan<uint> numbers = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000, 0x803, 0x801, 65_535];
                BinaryPrimitives.WriteUInt32BigEndian(
                    file.AsSpan(random.Next(Math.Min(36, file.Length - 4))),
                    numbers[random.Next(numbers.Length)]
                );
                return file;
            default: // bytes left out or added at the end
                var gap = random.Next(file.Length);
                return random.Next(2) == 0
                    ? [.. file.AsSpan(0, gap), .. file.AsSpan(Math.Min(file.Length, gap + 1 + random.Next(64)))]
                    : [.. file, .. TestData.Pixels(1 + random.Next(64), random.Next())];
        }
    }
}
