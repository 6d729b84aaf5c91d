using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Parry.Data.Files;

/// <summary>
/// A data file read from front to back, plain or gzip as its first two bytes say. Memory is taken as data arrives and
/// never as a header claims, so a short file that declares a large size costs little.
/// </summary>
internal sealed class InputFile : IDisposable
{
    private const int FirstBlock = 64 * 1024;

    private readonly Stream _file;
    private readonly Stream _data;
    private readonly bool _gzip;
    private long _position;

    /// <summary>
    /// Reads from a seekable stream, which it owns from now on; messages contain <paramref name="name"/>.
    /// </summary>
    public InputFile(Stream file, string name)
    {
        Name = name;
        _file = file;
        Span<byte> start = stackalloc byte[2];
        _gzip = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start is [0x1f, 0x8b];
        file.Position = 0;
        _data = _gzip ? new GZipStream(file, CompressionMode.Decompress, leaveOpen: true) : file;
    }

    public string Name { get; }

    /// <summary>Opens a file.</summary>
    /// <exception cref="UserErrorException">It does not exist or cannot be read.</exception>
    public static InputFile Open(string path)
    {
        FileStream? file = null;
        try
        {
            file = RegularFile.Open(path);
            return new InputFile(file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            file?.Dispose();
            throw new UserErrorException($"{path}: expected a readable file, got: {e.Message}", e);
        }
    }

    /// <summary>Finds the file in the folder, plain or with .gz after its name; null if neither exists.</summary>
    public static string? Find(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? path
            : File.Exists(path + ".gz") ? path + ".gz"
            : null;
    }

    /// <summary>Reads a header field of four bytes, big-endian.</summary>
    public uint ReadUInt32(string what)
    {
        Span<byte> bytes = stackalloc byte[4];
        var got = Read(bytes);
        return got == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : throw Truncated(4, got, what);
    }

    /// <summary>Reads exactly <paramref name="count"/> bytes.</summary>
    /// <exception cref="UserErrorException">The file ends earlier or is corrupt.</exception>
    public byte[] ReadBytes(int count, string what)
    {
        var left = Math.Max(0, _file.Length - _position);
        if (!_gzip && left < count)
            throw Truncated(count, left, what);
        // Real image files compress less than eightfold, so they are read into one array; others need an array that
        // grows.
        var bytes = new byte[_gzip ? (int)Math.Min(count, Math.Max(FirstBlock, 8 * _file.Length)) : count];
        var got = Read(bytes);
        while (got == bytes.Length && got < count)
        {
            Array.Resize(ref bytes, (int)Math.Min(count, 2L * got));
            got += Read(bytes.AsSpan(got));
        }

        return got == count ? bytes : throw Truncated(count, got, what);
    }

    /// <summary>Reads the rest, at most <paramref name="limit"/> bytes.</summary>
    /// <exception cref="UserErrorException">There is more, or the file is corrupt.</exception>
    public byte[] ReadToEnd(int limit, string what)
    {
        var bytes = new byte[Math.Min(limit, Math.Max(FirstBlock, (_gzip ? 8 : 1) * _file.Length))];
        int got;
        int read = 0;
        while ((got = Read(bytes.AsSpan(read))) > 0)
        {
            read += got;
            if (read == bytes.Length && read < limit)
                Array.Resize(ref bytes, (int)Math.Min(limit, 2L * read));
        }

        ExpectEnd(what);
        return read == bytes.Length ? bytes : bytes[..read];
    }

    /// <summary>Computes the SHA-256 of the content in lower-case hexadecimal digits.</summary>
    /// <exception cref="UserErrorException">The content is not <paramref name="length"/> bytes long, or
    /// corrupt.</exception>
    public string ContentSha256(long length)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[FirstBlock];
        int got;
        while (
            _position < length && (got = Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - _position)))) > 0
        )
        {
            sha.AppendData(buffer, 0, got);
        }

        ExpectEnd("its content");
        return _position == length
            ? Convert.ToHexStringLower(sha.GetHashAndReset())
            : throw Truncated(length, _position, "content");
    }

    /// <summary>Checks that nothing follows what was read, and that a gzip file is complete.</summary>
    /// <exception cref="UserErrorException">Bytes are left, or the end of the gzip stream is damaged.</exception>
    public void ExpectEnd(string what)
    {
        var read = _position;
        Span<byte> one = stackalloc byte[1];
        if (Read(one) != 0)
        {
            throw new UserErrorException(
                $"{Name}: expected the file to end after {read} bytes ({what}), got more: get the original file again"
            );
        }

        // The runtime checks the checksum of a complete gzip file, but not for a missing trailer or for bytes after it.
        Span<byte> size = stackalloc byte[4];
        if (_gzip)
        {
            _file.Position = Math.Max(0, _file.Length - 4);
            int found = _file.ReadAtLeast(size, 4, throwOnEndOfStream: false);
            if (found < 4 || BinaryPrimitives.ReadUInt32LittleEndian(size) != (uint)read)
            {
                throw new UserErrorException(
                    $"{Name}: expected one gzip stream whose last four bytes say {read}, got another end (cut off, or "
                        + "bytes after it): get the original file again"
                );
            }
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _data.Dispose();
        _file.Dispose();
    }

    private int Read(Span<byte> bytes)
    {
        try
        {
            var got = _data.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            _position += got;
            return got;
        }
        catch (Exception e) when (e is InvalidDataException || (_gzip && e is IOException))
        {
            throw new UserErrorException(
                $"{Name}: expected an undamaged gzip file, got a corrupt one: get the original file again",
                e
            );
        }
    }

    private UserErrorException Truncated(long expected, long got, string what) =>
        new(
            $"{Name}: expected {expected} bytes of {what}, got {got}: the file is cut off or its header is wrong, get "
                + "the original file again"
        );
}
