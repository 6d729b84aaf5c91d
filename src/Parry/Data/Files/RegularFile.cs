using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Parry.Data.Files;

/// <summary>
/// Opens the files that users name. Only regular files are opened: a pipe would be waited for, and a device may never
/// end.
/// </summary>
public static partial class RegularFile
{
    // Of struct FileStatus in the runtime's own library, whose layout is the same on all systems.
    private const int StatusSize = 256;
    private const int ModeAt = 4;
    private const int SizeAt = 16;
    private const int Kind = 0xF000;

    /// <summary>Opens a file for reading.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="most">The largest number of bytes that it may have.</param>
    /// <exception cref="IOException">The file is missing, cannot be read, is not a regular file, or is
    /// larger.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static FileStream Open(string path, long most = long.MaxValue)
    {
        Check(path, most);
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
    }

    /// <summary>Reads a whole file.</summary>
    /// <inheritdoc cref="Open"/>
    internal static byte[] ReadBytes(string path, long most)
    {
        using FileStream stream = Open(path, Math.Min(most, Array.MaxLength));
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Reads a whole file as UTF-8, or as the byte order mark at its beginning says.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="most">The largest number of bytes that it may have.</param>
    /// <exception cref="IOException">The file is missing, cannot be read, is not a regular file, or is
    /// larger.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static string ReadText(string path, long most)
    {
        using var reader = new StreamReader(Open(path, Math.Min(most, Array.MaxLength)), Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>Refuses a file that is not a regular one or too large, before it is opened; a missing file
    /// passes.</summary>
    /// <inheritdoc cref="Open"/>
    internal static void Check(string path, long most = long.MaxValue)
    {
        if (OperatingSystem.IsWindows())
            return;
        Span<byte> status = stackalloc byte[StatusSize];
        if (Status(path, ref MemoryMarshal.GetReference(status)) != 0)
            return;
        string? kind = (BinaryPrimitives.ReadInt32LittleEndian(status[ModeAt..]) & Kind) switch
        {
            0x1000 => "a pipe",
            0x2000 or 0x6000 => "a device",
            0x4000 => "a folder",
            0xC000 => "a socket",
            _ => null,
        };
        if (kind is not null)
            throw new IOException($"expected a regular file, got {kind}");
        long size = BinaryPrimitives.ReadInt64LittleEndian(status[SizeAt..]);
        if (size > most)
            throw new IOException($"expected a file of at most {most} bytes, got {size}");
    }

    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_Stat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(string path, ref byte status);
}
