using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Parry.Tests.Data;

/// <summary>Feeds a reader with damaged files, the same ones every time.</summary>
internal static class Fuzz
{
    private const int Header = 40;
    private const int Text = 1000;
    private static readonly TimeSpan s_slow = TimeSpan.FromSeconds(5);

    // Sizes and marks that readers fall for.
    private static readonly uint[] s_numbers =
    [
        0,
        1,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        0x10000,
        0x803,
        0x801,
        65_535,
    ];

    /// <summary>
    /// Reads the samples, and then damaged ones. The reader may refuse one with an exception for bad input and one line
    /// of message, must not take more memory than <paramref name="bound"/> says for the file's length, and must not
    /// take seconds. Some files must be refused and some read, so that the damage reaches all of the reader.
    /// </summary>
    public static void Run(byte[][] samples, Func<long, long> bound, Action<byte[]> read, int count = 1000)
    {
        // tests/Torture asks for more files.
        if (int.TryParse(Environment.GetEnvironmentVariable("PARRY_FUZZ_COUNT"), out int asked))
            count = asked;
        Assert.All(samples, read);
        int refused = 0;
        Property.ForAll(
            Damaged(samples),
            count,
            file =>
            {
                var watch = Stopwatch.StartNew();
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    read(file);
                }
                catch (Exception e) when (e is UserErrorException or InvalidDataException)
                {
                    refused++;
                    Assert.DoesNotContain('\n', e.Message);
                }

                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, bound(file.Length));
                Assert.True(watch.Elapsed < s_slow, $"{file.Length} bytes took {watch.Elapsed}");
            }
        );
        Assert.InRange(refused, count / 5, count - 1);
    }

    private static Gen<byte[]> Damaged(byte[][] samples) =>
        from file in Gen.Elements(samples)
        from other in Gen.Elements(samples)
        from at in Gen.Choose(0, file.Length - 1)
        from start in Gen.Choose(0, other.Length - 1)
        from length in Gen.Choose(0, other.Length - start)
        from bit in Gen.Choose(0, 7)
        from bytes in Gen.Choose(0, 255).Select(value => (byte)value).NonEmptyListOf()
        from number in Gen.Elements(s_numbers)
        from text in Gen.Elements("0123456789-\"{}[],:. eUFBIx".ToCharArray()).ArrayOf(2)
        from damage in Gen.Elements<Func<byte[]>>(
            () => file[..at],
            () => [.. file[..at], .. other.AsSpan(start, length), .. file[at..]],
            () => [.. file[..at], .. file[Math.Min(file.Length, at + 1 + (length % 64))..]],
            () => [.. file, .. bytes],
            () => With(file, at, [(byte)(file[at] ^ (1 << bit))]),
            () => With(file, at, [.. bytes.Take(3)]),
            () => With(file, at % Text, Encoding.ASCII.GetBytes(text)),
            () => With(file, at % Header, [.. bytes.Take(8)]),
            () => With(file, at % Header, Number(number, BinaryPrimitives.WriteUInt32BigEndian)),
            () => With(file, at % Header, Number(number, BinaryPrimitives.WriteUInt32LittleEndian))
        )
        select damage();

    private static byte[] With(byte[] file, int at, byte[] written)
    {
        byte[] damaged = [.. file];
        written.AsSpan(0, Math.Min(written.Length, file.Length - at)).CopyTo(damaged.AsSpan(at));
        return damaged;
    }

    private static byte[] Number(uint number, Writer write)
    {
        var bytes = new byte[sizeof(uint)];
        write(bytes, number);
        return bytes;
    }

    private delegate void Writer(Span<byte> to, uint number);
}
