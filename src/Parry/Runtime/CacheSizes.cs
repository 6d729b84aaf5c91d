using System.Globalization;

namespace Parry.Runtime;

/// <summary>
/// What oneDNN believes of the processor's caches. It asks AMD processors for them, and many virtual machines (such as
/// Firecracker's) leave the answer empty, which oneDNN 3.7 reads as three caches of one byte. It then copies channels
/// in an order made for small caches, which loses those that fill no block. Told that it does not know the caches, it
/// assumes usual ones, is right again, and convolves several times faster.
/// </summary>
internal static unsafe class CacheSizes
{
    private const string Library = "libtorch_cpu.so";

    // In oneDNN's description of the processor: the sizes of ten levels of caches, the cores that share each, and how
    // many levels there are. It has no name outside of the library.
    private static ReadOnlySpan<int> OneByteEach => [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 3];

    /// <summary>Whether oneDNN has looked at the processor, and takes each cache for one byte.</summary>
    public static bool AreWrong => Found() is not null;

    /// <summary>Corrects that, where it is so.</summary>
    public static void Correct()
    {
        if (Found() is not { } caches)
            return;
        int* levels = (int*)caches + OneByteEach.Length - 1;
        *levels = 0;
    }

    private static nint? Found()
    {
        if (!OperatingSystem.IsLinux())
            return null;
        List<nint> found = [.. Variables().SelectMany(range => Matches(range.From, range.To))];
        return found is [nint only] ? only : null;
    }

    // The library's variables that begin as zeros: the nameless memory right behind what is loaded from its file.
    private static IEnumerable<(nint From, nint To)> Variables()
    {
        nint end = 0;
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            nint[] range = Array.ConvertAll(fields[0].Split('-'), Address);
            if (fields.Length == 5 && fields[1] == "rw-p" && range[0] == end)
                yield return (range[0], range[1]);
            end = line.EndsWith($"/{Library}", StringComparison.Ordinal) ? range[1] : 0;
        }
    }

    private static nint Address(string text) =>
        nint.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static List<nint> Matches(nint from, nint to)
    {
        var memory = new ReadOnlySpan<int>((void*)from, (int)((to - from) / sizeof(int)));
        var matches = new List<nint>();
        int at = 0;
        while (memory[at..].IndexOf(OneByteEach) is >= 0 and int next)
        {
            at += next;
            matches.Add(from + ((nint)at * sizeof(int)));
            at += OneByteEach.Length;
        }

        return matches;
    }
}
