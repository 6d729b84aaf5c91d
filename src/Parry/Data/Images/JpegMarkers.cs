using System.Buffers.Binary;

namespace Parry.Data.Images;

/// <summary>Walks over the markers of a JPEG file.</summary>
internal ref struct JpegMarkers
{
    // The limit of libjpeg-turbo's own tools; each scan takes the time of a whole picture.
    private const int MostScans = 500;
    private const byte FirstFrame = 0xc0;
    private const byte ExtendedFrame = 0xc1;
    private const byte ProgressiveFrame = 0xc2;
    private const byte HuffmanTables = 0xc4;
    private const byte ArithmeticTables = 0xcc;
    private const byte ReservedFrame = 0xc8;
    private const byte LastFrame = 0xcf;
    private const byte RestartInterval = 0xdd;
    private const byte FirstRestart = 0xd0;
    private const byte StartOfImage = 0xd8;
    private const byte EndOfImage = 0xd9;
    private const byte StartOfScan = 0xda;

    private readonly ReadOnlySpan<byte> _file;
    private int _at = 2;
    private int _scans;
    private int _components;
    private bool _sequential;
    private bool _huffman;
    private bool _hasTables;
    private bool _oneScan;
    private bool _extraBytes;
    private ReadOnlySpan<byte> _frame;
    private int _restart;
    private readonly byte[]?[] _tables = new byte[8][];

    private JpegMarkers(ReadOnlySpan<byte> file) => _file = file;

    /// <summary>
    /// Refuses a file that ends before its end marker, which Skia would decode as far as it goes; Skia notices missing
    /// data by itself only where one scan has the whole picture. Returns what is remarkable about the file.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is cut off, or has more than 500 scans.</exception>
    public static PictureTraits Check(ReadOnlySpan<byte> file)
    {
        var markers = new JpegMarkers(file);
        return markers.Walk();
    }

    private PictureTraits Walk()
    {
        bool ended = false;
        int end = _at;
        while (!ended && Next() is { } marker)
        {
            if (marker is 0 or 1 or (>= FirstRestart and <= StartOfImage))
                continue;
            _extraBytes = _extraBytes || (_scans == 0 && _file[end] != 0xff);
            ended = marker == EndOfImage;
            if (!ended && !Take(marker))
                break;
            end = _at;
        }

        if (!ended && !_oneScan)
            throw new InvalidDataException("expected an undamaged JPEG: it is cut off");
        PictureTraits traits = _components == 4 ? PictureTraits.Cmyk : PictureTraits.None;
        bool lacksTables = _huffman && !_hasTables;
        return _extraBytes || lacksTables ? traits | PictureTraits.Faulty : traits;
    }

    /// <summary>Reads the part after a marker; false if the file ends inside it.</summary>
    private bool Take(byte marker)
    {
        ReadOnlySpan<byte> part = _file[_at..];
        int length = part.Length < 2 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(part);
        if (length < 3 || length > part.Length)
            return false;
        part = part[..length];
        if (marker == StartOfScan)
        {
            _scans++;
            bool whole = _sequential && part[2] == _components;
            if (whole && !_oneScan && _hasTables)
                _extraBytes |= JpegScan.HasExtraBytes(_file[(_at + length)..], _frame, part, _tables, _restart);
            _oneScan = _oneScan || whole;
        }
        else if (marker == HuffmanTables)
        {
            _hasTables = true;
            Keep(part[2..]);
        }
        else if (marker == RestartInterval && length > 3)
        {
            _restart = BinaryPrimitives.ReadUInt16BigEndian(part[2..]);
        }
        else if (IsFrame(marker) && length > 7)
        {
            _frame = part;
            _components = part[7];
            _sequential = marker is FirstFrame or ExtendedFrame;
            _huffman = marker <= ProgressiveFrame;
        }

        if (_scans > MostScans)
            throw new InvalidDataException($"expected a JPEG of at most {MostScans} scans, got more");
        _at += length;
        return true;
    }

    /// <summary>Keeps Huffman tables: class and number, 16 counts, and as many symbols as these add up to.</summary>
    private readonly void Keep(ReadOnlySpan<byte> tables)
    {
        while (tables.Length > 17)
        {
            int symbols = 0;
            foreach (byte count in tables[1..17])
                symbols += count;
            if (symbols > 256 || tables.Length < 17 + symbols || (tables[0] & 0xec) != 0)
                return;
            _tables[(tables[0] >> 4 << 2) + (tables[0] & 3)] = tables[1..(17 + symbols)].ToArray();
            tables = tables[(17 + symbols)..];
        }
    }

    private static bool IsFrame(byte marker) =>
        marker is >= FirstFrame and <= LastFrame and not (HuffmanTables or ReservedFrame or ArithmeticTables);

    /// <summary>Finds the next marker and moves behind it; null at the end of the file.</summary>
    private byte? Next()
    {
        int start = _file[_at..].IndexOf((byte)0xff);
        int more = start < 0 ? -1 : _file[(_at + start)..].IndexOfAnyExcept((byte)0xff);
        if (more < 0)
            return null;
        _at += start + more + 1;
        return _file[_at - 1];
    }
}
