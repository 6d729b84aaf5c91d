using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Parry.Data.Files;

namespace Parry.Models.Http;

/// <summary>
/// A cache of answers on disk, by the SHA-256 of the values sent. The file is append-only, with records of fixed length
/// that each have a checksum: after a crash, a damaged last record is ignored and the ones before it stay valid. A new
/// file gets its mark at once, so that one without it was emptied or edited. Memory holds only the first half of each
/// key and the position of its record.
/// </summary>
internal sealed class AnswerCache : IDisposable
{
    private const int KeySize = 32;
    private const int CheckSize = 4;
    private const int HeaderSize = 12;
    private const int BlockSize = 1 << 20;
    private const int MostNumbers = 1 << 20;
    private static readonly byte[] s_magic = "PARRYAN1"u8.ToArray();

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly Dictionary<UInt128, long> _places = [];
    private readonly Lock _lock = new();
    private long _end;
    private int _width;

    private AnswerCache(string path, SafeFileHandle file) => (_path, _file) = (path, file);

    /// <summary>Opens the answers of one identity in a folder.</summary>
    /// <exception cref="UserErrorException">The folder cannot be used, another run uses it, or the file is not a
    /// cache.</exception>
    public static AnswerCache Open(string folder, string identity)
    {
        string path = PathOf(folder, identity, "answers");
        SafeFileHandle? file = null;
        try
        {
            Directory.CreateDirectory(folder);
            RegularFile.Check(path);
            bool isNew = !File.Exists(path);
            file = File.OpenHandle(
                path,
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.None,
                FileOptions.RandomAccess
            );
            var cache = new AnswerCache(path, file);
            cache.Load(isNew);
            return cache;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or UserErrorException)
        {
            file?.Dispose();
            throw e as UserErrorException
                ?? new UserErrorException(
                    $"{path}: expected a cache file that this run can write, got: {e.Message.TrimEnd('.')}; give "
                        + "another folder, or wait for the run that uses it",
                    e
                );
        }
    }

    /// <summary>What was wrong with the answers it kept, in a sentence; null if nothing was.</summary>
    public string? Note { get; private set; }

    /// <summary>The path of the file for one identity in a folder.</summary>
    public static string PathOf(string folder, string identity, string kind) =>
        Path.Combine(
            folder,
            $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)).AsSpan(0, 12))}.{kind}"
        );

    /// <summary>Computes the key of an image.</summary>
    public static byte[] KeyOf(ReadOnlySpan<float> sent) => SHA256.HashData(MemoryMarshal.AsBytes(sent));

    /// <summary>The first half of a key, enough to distinguish images.</summary>
    public static UInt128 Short(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt128LittleEndian(key);

    /// <summary>Reads an answer; null if there is none.</summary>
    public float[]? Find(byte[] key)
    {
        long place;
        lock (_lock)
        {
            if (!_places.TryGetValue(Short(key), out place))
                return null;
        }

        var record = new byte[RecordSize];
        return
            RandomAccess.Read(_file, record, place) == record.Length
            && IsWhole(record)
            && record.AsSpan(0, KeySize).SequenceEqual(key)
            ? MemoryMarshal.Cast<byte, float>(record.AsSpan(KeySize, 4 * _width)).ToArray()
            : null;
    }

    /// <summary>Adds answers, one row for each key.</summary>
    public void Add(IReadOnlyList<byte[]> keys, float[] values)
    {
        int width = values.Length / keys.Count;
        lock (_lock)
        {
            if (_width == 0)
                Begin(width);
            if (_width != width)
                throw new UserErrorException(
                    $"{_path} keeps {_width} numbers for each image, and the model gives {width}: one of them "
                        + "was changed; remove the file, or give another folder"
                );
            var records = new byte[keys.Count * RecordSize];
            for (int i = 0; i < keys.Count; i++)
            {
                Span<byte> record = records.AsSpan(i * RecordSize, RecordSize);
                keys[i].CopyTo(record);
                MemoryMarshal.AsBytes(values.AsSpan(i * width, width)).CopyTo(record[KeySize..]);
                SHA256.HashData(record[..^CheckSize]).AsSpan(0, CheckSize).CopyTo(record[^CheckSize..]);
            }

            RandomAccess.Write(_file, records, _end);
            for (int i = 0; i < keys.Count; i++)
                _places[Short(keys[i])] = _end + ((long)i * RecordSize);
            _end += records.Length;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private int RecordSize => KeySize + (4 * _width) + CheckSize;

    private static bool IsWhole(ReadOnlySpan<byte> record) =>
        SHA256.HashData(record[..^CheckSize]).AsSpan(0, CheckSize).SequenceEqual(record[^CheckSize..]);

    private void Begin(int width)
    {
        var header = new byte[HeaderSize];
        s_magic.CopyTo(header, 0);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(s_magic.Length), width);
        RandomAccess.Write(_file, header, 0);
        (_width, _end) = (width, HeaderSize);
    }

    private void Load(bool isNew)
    {
        long length = RandomAccess.GetLength(_file);
        if (length == 0 && isNew)
        {
            RandomAccess.Write(_file, s_magic, 0);
            return;
        }

        if (length == 0)
            throw new UserErrorException(
                $"{_path}, which keeps answers, was emptied: restore it, or remove it and all images are sent again"
            );
        var header = new byte[HeaderSize];
        int got = RandomAccess.Read(_file, header, 0);
        int width = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(s_magic.Length));
        bool begun = got == HeaderSize;
        if (!header.AsSpan(0, s_magic.Length).SequenceEqual(s_magic) || (begun && width is < 1 or > MostNumbers))
            throw new UserErrorException($"{_path} is not a file of answers: give another folder, or remove the file");
        if (!begun)
            return;
        (_width, _end) = (width, HeaderSize);
        var block = new byte[Math.Max(1, BlockSize / RecordSize) * RecordSize];
        int damaged = 0;
        while (RandomAccess.Read(_file, block, _end) is var read && read >= RecordSize)
        {
            for (int from = 0; from + RecordSize <= read; from += RecordSize)
            {
                ReadOnlySpan<byte> record = block.AsSpan(from, RecordSize);
                if (IsWhole(record))
                    _places[Short(record)] = _end + from;
                else
                    damaged++;
            }

            _end += read / RecordSize * RecordSize;
        }

        if (damaged > 0)
            Note =
                $"{damaged} of the answers kept in {_path} were edited or damaged: where their images come again, they "
                + "are sent again.";

        // Remove what a crash left of the last record.
        if (_end < length)
            RandomAccess.SetLength(_file, _end);
    }
}
