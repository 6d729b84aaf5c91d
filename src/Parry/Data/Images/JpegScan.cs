using System.Buffers.Binary;

namespace Parry.Data.Images;

/// <summary>
/// Walks over the Huffman codes of a JPEG whose one scan has the whole picture, to find bytes that belong to no block.
/// libjpeg warns about them, and Skia does not pass the warning on.
/// </summary>
internal ref struct JpegScan
{
    private const int MostBlocks = 10;
    private const int Coefficients = 64;
    private const int LongestCode = 16;

    private readonly ReadOnlySpan<byte> _data;
    private int _at;
    private ulong _bits;
    private int _count;
    private int _padding;

    private JpegScan(ReadOnlySpan<byte> data) => _data = data;

    /// <summary>Whether bytes are left where the next marker should stand.</summary>
    /// <param name="data">The codes and what follows them.</param>
    /// <param name="frame">The frame's header after its marker.</param>
    /// <param name="scan">The scan's header after its marker.</param>
    /// <param name="tables">For each class and number the table as the file has it: 16 counts, then symbols.</param>
    /// <param name="restart">The restart interval; 0 for none.</param>
    public static bool HasExtraBytes(
        ReadOnlySpan<byte> data,
        ReadOnlySpan<byte> frame,
        ReadOnlySpan<byte> scan,
        IReadOnlyList<byte[]?> tables,
        int restart
    )
    {
        var decoded = new ushort[]?[tables.Count];
        var blocks = new List<(ushort[] Dc, ushort[] Ac)>();
        int height = BinaryPrimitives.ReadUInt16BigEndian(frame[3..]);
        int width = BinaryPrimitives.ReadUInt16BigEndian(frame[5..]);
        int components = frame[7];
        if (frame.Length < 8 + (3 * components) || scan.Length < 3 + (2 * components))
            return false;
        int across = 1;
        int down = 1;
        for (int i = 0; i < components; i++)
        {
            byte sampling = frame[9 + (3 * i)];
            byte used = scan[4 + (2 * i)];
            ushort[]? dc = Table(used >> 4, 0);
            ushort[]? ac = Table(used & 15, 4);
            int count = components == 1 ? 1 : (sampling >> 4) * (sampling & 15);
            if (dc is null || ac is null || count == 0 || blocks.Count + count > MostBlocks)
                return false;
            across = components == 1 ? 1 : Math.Max(across, sampling >> 4);
            down = components == 1 ? 1 : Math.Max(down, sampling & 15);
            blocks.AddRange(Enumerable.Repeat((dc, ac), count));
        }

        long units = Units(width, across) * Units(height, down);
        return new JpegScan(data).HasExtraBytes(units, blocks, restart);

        ushort[]? Table(int number, int first) =>
            number > 3 || tables[first + number] is not { } table ? null : decoded[first + number] ??= Decoded(table);
    }

    private static long Units(int side, int blocks) => (side + (8L * blocks) - 1) / (8 * blocks);

    /// <summary>The length and the symbol of the code that begins each 16 bits; 0 where none does.</summary>
    private static ushort[] Decoded(byte[] table)
    {
        var decoded = new ushort[1 << LongestCode];
        int at = 0;
        int symbol = LongestCode;
        for (int length = 1; length <= LongestCode; length++)
        {
            int span = 1 << (LongestCode - length);
            for (int i = 0; i < table[length - 1] && symbol < table.Length && at + span <= decoded.Length; i++)
            {
                decoded.AsSpan(at, span).Fill((ushort)((length << 8) | table[symbol]));
                symbol++;
                at += span;
            }
        }

        return decoded;
    }

    private bool HasExtraBytes(long units, List<(ushort[] Dc, ushort[] Ac)> blocks, int restart)
    {
        for (long unit = 0; unit < units; unit++)
        {
            if (restart > 0 && unit > 0 && unit % restart == 0)
            {
                if (IsBeforeExtraBytes)
                    return true;
                if (!TakeRestart())
                    return false;
            }

            foreach (var (dc, ac) in blocks)
            {
                // What is damaged or cut off is not told from the outside.
                if (!SkipBlock(dc, ac))
                    return false;
            }
        }

        return IsBeforeExtraBytes;
    }

    private readonly bool IsBeforeExtraBytes
    {
        get
        {
            bool atMarker = _at + 1 >= _data.Length || (_data[_at] == 0xff && _data[_at + 1] != 0);
            return _count - _padding >= 8 || !atMarker;
        }
    }

    private bool TakeRestart()
    {
        if (_at + 1 >= _data.Length || _data[_at + 1] is < 0xd0 or > 0xd7)
            return false;
        _at += 2;
        (_bits, _count, _padding) = (0, 0, 0);
        return true;
    }

    private bool SkipBlock(ushort[] dc, ushort[] ac)
    {
        if (!Skip(dc, out _))
            return false;
        int coefficient = 1;
        while (coefficient < Coefficients)
        {
            if (!Skip(ac, out int symbol))
                return false;
            bool isEnd = (symbol & 15) == 0 && symbol >> 4 != 15;
            if (isEnd)
                break;
            coefficient += 1 + (symbol >> 4);
        }

        return true;
    }

    /// <summary>Skips a code and the bits whose number its symbol tells; false if there is none.</summary>
    private bool Skip(ushort[] table, out int symbol)
    {
        Fill();
        ushort entry = table[(ushort)(_bits >> (_count - LongestCode))];
        symbol = entry & 0xff;
        _count -= (entry >> 8) + (symbol & 15);
        return entry != 0 && _count >= _padding;
    }

    /// <summary>Takes whole bytes up to the next marker, and zeros behind it.</summary>
    private void Fill()
    {
        while (_count <= 48)
        {
            bool end = _at >= _data.Length;
            bool stuffed = !end && _data[_at] == 0xff;
            end = end || (stuffed && (_at + 1 >= _data.Length || _data[_at + 1] != 0));
            _bits = (_bits << 8) | (end ? 0u : _data[_at]);
            _count += 8;
            _padding += end ? 8 : 0;
            if (!end)
                _at += stuffed ? 2 : 1;
        }
    }
}
