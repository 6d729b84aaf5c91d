namespace Parry.Data.Files;

/// <summary>The checksum of zip archives and PNG chunks.</summary>
internal static class Crc32
{
    private static readonly uint[] s_table = [.. Enumerable.Range(0, 256).Select(Entry)];

    /// <summary>The checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => ~Add(uint.MaxValue, bytes);

    /// <summary>The checksum of all that a stream holds.</summary>
    public static uint Of(Stream stream)
    {
        var buffer = new byte[1 << 16];
        uint rest = uint.MaxValue;
        while (stream.Read(buffer) is > 0 and int got)
            rest = Add(rest, buffer.AsSpan(0, got));
        return ~rest;
    }

    private static uint Add(uint rest, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
            rest = s_table[(byte)(rest ^ value)] ^ (rest >> 8);
        return rest;
    }

    private static uint Entry(int value)
    {
        uint rest = (uint)value;
        for (int bit = 0; bit < 8; bit++)
            rest = (rest & 1) != 0 ? (rest >> 1) ^ 0xedb88320 : rest >> 1;
        return rest;
    }
}
