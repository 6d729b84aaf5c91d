using System.Buffers.Binary;

namespace Parry.Data.Images;

/// <summary>
/// The camera orientation of EXIF, 1 to 8: how stored pixels must be turned or mirrored to stand upright.
/// </summary>
internal static class Orientation
{
    /// <summary>The stored pixels stand upright.</summary>
    public const int None = 1;

    private const int Most = 8;
    private const ushort Tag = 0x112;
    private const int EntryBytes = 12;

    /// <summary>The shape of the upright picture.</summary>
    public static ImageShape UprightShape(ImageShape shape, int orientation) =>
        SwapsSides(orientation) ? shape with { Height = shape.Width, Width = shape.Height } : shape;

    /// <summary>Turns and mirrors planes [C, H, W], as Pillow's <c>ImageOps.exif_transpose</c> does.</summary>
    public static T[] Upright<T>(T[] planes, ImageShape shape, int orientation)
    {
        if (orientation == None)
            return planes;
        bool swap = SwapsSides(orientation);
        bool fromBottom = orientation is 3 or 4 or 6 or 7;
        bool fromRight = orientation is 2 or 3 or 7 or 8;
        ImageShape upright = UprightShape(shape, orientation);
        var turned = new T[planes.Length];
        int at = 0;
        for (int channel = 0; channel < shape.Channels; channel++)
        {
            for (int y = 0; y < upright.Height; y++)
            {
                for (int x = 0; x < upright.Width; x++)
                {
                    var (row, column) = swap ? (x, y) : (y, x);
                    row = fromBottom ? shape.Height - 1 - row : row;
                    column = fromRight ? shape.Width - 1 - column : column;
                    turned[at] = planes[(((channel * shape.Height) + row) * shape.Width) + column];
                    at++;
                }
            }
        }

        return turned;
    }

    /// <summary>Reads the orientation from EXIF data, which are a TIFF; upright if they have none.</summary>
    public static int OfExif(ReadOnlySpan<byte> tiff)
    {
        bool little = tiff.StartsWith("II*\0"u8);
        if (tiff.Length < 8 || (!little && !tiff.StartsWith("MM\0*"u8)))
            return None;
        uint offset = little
            ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..])
            : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (offset > tiff.Length - 2)
            return None;
        ReadOnlySpan<byte> directory = tiff[(int)offset..];
        int entries = Number(directory, little);
        for (int at = 2; entries > 0 && at + EntryBytes <= directory.Length; at += EntryBytes)
        {
            ReadOnlySpan<byte> entry = directory[at..];
            if (Number(entry, little) == Tag)
                return Number(entry[8..], little) is >= None and <= Most and int orientation ? orientation : None;
            entries--;
        }

        return None;
    }

    private static bool SwapsSides(int orientation) => orientation > 4;

    private static int Number(ReadOnlySpan<byte> bytes, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);
}
