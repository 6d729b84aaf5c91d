using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Parry.Runtime;

/// <summary>
/// TorchSharp's native library asks libstdc++ for the version GLIBCXX_3.4.32 (GCC 13), but uses only a marker that is
/// never called. If libstdc++ is older, a copy of the library in which this requirement is marked weak can be loaded;
/// it differs in one flag.
/// </summary>
public static class VersionNeed
{
    /// <summary>The version that the library requires.</summary>
    public const string Name = "GLIBCXX_3.4.32";

    /// <summary>SHA-256 of the library of TorchSharp 0.107.0 for Linux, the only one that is changed.</summary>
    public const string KnownSha256 = "cf33b1b0bb6bbb9754a768fb5c5d04d9f498603be50e73f55621a0b40ee608b8";

    private const uint VersionNeedSection = 0x6ffffffe;
    private const ushort Weak = 2;

    /// <summary>Whether the system lacks this version, according to the error of loading a library.</summary>
    public static bool IsMissingFrom(string library)
    {
        try
        {
            System.Runtime.InteropServices.NativeLibrary.Free(
                System.Runtime.InteropServices.NativeLibrary.Load(library)
            );
            return false;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return IsNamedIn(e.Message);
        }
    }

    /// <summary>
    /// Whether a load error is about this version; a copy does not help against other errors.
    /// </summary>
    public static bool IsNamedIn(string error) => error.Contains(Name, StringComparison.Ordinal);

    /// <summary>
    /// The path of a copy in the user's cache with the requirement marked weak; makes the copy if it is missing or
    /// damaged.
    /// </summary>
    /// <exception cref="TorchNotFoundException">The library is not the known one, or the copy cannot be
    /// written.</exception>
    public static string WeakCopy(string library) => WeakCopy(library, UserCache.Folder("native"));

    /// <summary>The same in a given folder.</summary>
    public static string WeakCopy(string library, string folder)
    {
        byte[] bytes = File.ReadAllBytes(library);
        string hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (hash != KnownSha256)
        {
            throw new TorchNotFoundException(
                $"This system's libstdc++ lacks {Name}, and '{library}' is not the library of TorchSharp 0.107.0 "
                    + $"that Parry can adapt (SHA-256 {hash}): use a system with GCC 13's libstdc++"
            );
        }

        MarkWeak(bytes);
        string copy = Path.Combine(folder, $"libLibTorchSharp-{hash[..16]}.so");
        try
        {
            if (File.Exists(copy) && bytes.AsSpan().SequenceEqual(File.ReadAllBytes(copy)))
                return copy;
            Directory.CreateDirectory(folder);
            string temporary = $"{copy}.{Environment.ProcessId}.tmp";
            File.WriteAllBytes(temporary, bytes);
            File.Move(temporary, copy, overwrite: true);
            return copy;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TorchNotFoundException(
                $"This system's libstdc++ lacks {Name}, and a copy of TorchSharp's library that does not need it "
                    + $"cannot be written to '{folder}' ({e.Message}): make it writable, or set XDG_CACHE_HOME",
                e
            );
        }
    }

    /// <summary>Sets the weak flag of the requirement in a 64-bit little-endian ELF file.</summary>
    /// <exception cref="InvalidDataException">The bytes are not such a file, or it does not require this
    /// version.</exception>
    public static void MarkWeak(Span<byte> file)
    {
        if (file.Length < 64 || !file[..4].SequenceEqual("\u007fELF"u8) || file[4] != 2 || file[5] != 1)
            throw new InvalidDataException("The file is not a 64-bit little-endian ELF file.");
        long sections = Read64(file, 0x28);
        int size = Read16(file, 0x3A);
        int count = Read16(file, 0x3C);
        for (int i = 0; i < count; i++)
        {
            long header = sections + ((long)i * size);
            if (Read32(file, header + 4) != VersionNeedSection)
                continue;
            long at = Read64(file, header + 0x18);
            uint entries = Read32(file, header + 0x2C);
            long names = Read64(file, sections + (Read32(file, header + 0x28) * (long)size) + 0x18);
            if (MarkWeak(file, at, entries, names))
                return;
        }

        throw new InvalidDataException($"It does not require {Name}.");
    }

    // Verneed: version, count of Vernaux, file name, offset of the first Vernaux, offset of the next. Vernaux: hash,
    // flags, index, name, offset of the next.
    private static bool MarkWeak(Span<byte> file, long need, uint entries, long names)
    {
        // A real file requires a few versions of a few libraries; a damaged one could have an endless chain.
        const int Most = 1000;
        for (uint i = 0; i < Math.Min(entries, Most); i++)
        {
            long auxiliary = need + Read32(file, need + 8);
            int count = Math.Min((int)Read16(file, need + 2), Most);
            for (int j = 0; j < count; j++)
            {
                if (NameAt(file, names + Read32(file, auxiliary + 8)) == Name)
                {
                    Span<byte> flags = Slice(file, auxiliary + 4, 2);
                    BinaryPrimitives.WriteUInt16LittleEndian(
                        flags,
                        (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | Weak)
                    );
                    return true;
                }

                auxiliary += Read32(file, auxiliary + 12);
            }

            need += Read32(file, need + 12);
        }

        return false;
    }

    private static string NameAt(Span<byte> file, long at)
    {
        Span<byte> name = Slice(file, at, Name.Length + 1);
        return name[^1] == 0 ? Encoding.ASCII.GetString(name[..^1]) : "";
    }

    private static Span<byte> Slice(Span<byte> file, long at, int length) =>
        at >= 0 && at <= file.Length - length
            ? file.Slice((int)at, length)
            : throw new InvalidDataException("Its sections point outside the file.");

    private static ushort Read16(Span<byte> file, long at) =>
        BinaryPrimitives.ReadUInt16LittleEndian(Slice(file, at, 2));

    private static uint Read32(Span<byte> file, long at) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(file, at, 4));

    private static long Read64(Span<byte> file, long at) => BinaryPrimitives.ReadInt64LittleEndian(Slice(file, at, 8));
}
