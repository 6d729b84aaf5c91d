namespace Parry.Models.TorchScript;

/// <summary>The checksum of zip archives, which .NET's reader does not hold against what it reads.</summary>
internal static class Crc32
{
    private static readonly uint[] s_table = [.. Enumerable.Range(0, 256).Select(value => Enumerable.Range(0, 8).Aggregate((uint)value, (rest, _) => (rest & 1) != 0 ? (rest >> 1) ^ 0xedb88320 : rest >> 1))];

    /// <summary>The checksum of all that a stream holds.</summary>
    public static uint Of(Stream stream)
    {
        var buffer = new byte[1 << 16];
        uint rest = uint.MaxValue;
        while (stream.Read(buffer) is > 0 and int got)
        {
            foreach (byte value in buffer.AsSpan(0, got)) rest = s_table[(byte)(rest ^ value)] ^ (rest >> 8);
        }

        return ~rest;
    }
}
