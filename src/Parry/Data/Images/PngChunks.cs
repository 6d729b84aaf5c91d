using System.Buffers.Binary;
using System.Text;
using Parry.Data.Files;

namespace Parry.Data.Images;

/// <summary>The parts of a PNG file that matter.</summary>
/// <param name="Pixels">The deflated pixels.</param>
/// <param name="Plain">A file with the pixels, the palette and what is transparent, and nothing else.</param>
/// <param name="TransparentColor">The content of the chunk tRNS; null if there is none.</param>
/// <param name="Orientation">The camera orientation, 1 to 8.</param>
/// <param name="Traits">What is remarkable about the parts.</param>
internal sealed record PngChunks(
    Stream Pixels,
    byte[] Plain,
    byte[]? TransparentColor,
    int Orientation,
    PictureTraits Traits
)
{
    private static readonly byte[] s_end = [0, 0, 0, 0, .. "IEND"u8, 0xae, 0x42, 0x60, 0x82];

    /// <summary>
    /// Refuses a file that is cut off before the end of the pixels or damaged where it matters; damaged parts beside
    /// the pixels are left out.
    /// </summary>
    /// <param name="file">The file, whose signature was checked.</param>
    /// <param name="headerOnly">Whether to stop before the pixels.</param>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static PngChunks Read(ReadOnlySpan<byte> file, bool headerOnly = false)
    {
        var deflated = new MemoryStream();
        var plain = new MemoryStream();
        byte[]? transparent = null;
        int orientation = Images.Orientation.None;
        PictureTraits traits = PictureTraits.None;
        plain.Write(file[..8]);
        int at = 8;
        while (true)
        {
            ReadOnlySpan<byte> rest = file[at..];
            string name = rest.Length < 8 ? "" : Encoding.Latin1.GetString(rest[4..8]);
            if (name == "IDAT" ? headerOnly : deflated.Length > 0)
                break;
            uint length = rest.Length < 12 ? uint.MaxValue : BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > rest.Length - 12)
                throw Corrupt("it is cut off");
            int end = 8 + (int)length;
            ReadOnlySpan<byte> content = rest[8..end];
            at += end + 4;
            bool whole = IsRight(rest[4..end], rest[end..]);
            if (name is "IHDR" or "PLTE" or "IDAT")
            {
                if (!whole)
                    throw WrongSum();
                plain.Write(rest[..(end + 4)]);
            }
            else if (!char.IsAsciiLetterLower(name[0]) || !name.All(char.IsAsciiLetter))
            {
                throw Corrupt("it has a part of an unknown kind, or none with pixels");
            }
            else if (!whole)
            {
                traits |= PictureTraits.Faulty;
                continue;
            }

            switch (name)
            {
                case "IDAT":
                    deflated.Write(content);
                    break;
                case "tRNS" when transparent is null:
                    transparent = content.ToArray();
                    plain.Write(rest[..(end + 4)]);
                    break;
                case "eXIf":
                    orientation = Images.Orientation.OfExif(content);
                    break;
                case "acTL":
                    traits |= PictureTraits.Animated;
                    break;
            }
        }

        if (file[at..].IndexOf("IEND"u8) < 0)
            traits |= PictureTraits.Faulty;
        if (orientation != Images.Orientation.None)
            traits |= PictureTraits.Turned;
        plain.Write(s_end);
        deflated.Position = 0;
        return new PngChunks(deflated, plain.ToArray(), transparent, orientation, traits);
    }

    /// <summary>Refuses a part whose checksum is wrong.</summary>
    /// <exception cref="InvalidDataException">It is.</exception>
    public static void CheckSum(ReadOnlySpan<byte> chunk, ReadOnlySpan<byte> sum)
    {
        if (!IsRight(chunk, sum))
            throw WrongSum();
    }

    /// <summary>Says that a file is damaged, and why.</summary>
    public static InvalidDataException Corrupt(string reason) => new($"expected an undamaged PNG: {reason}");

    private static InvalidDataException WrongSum() => Corrupt("the checksum of one of its parts is wrong");

    private static bool IsRight(ReadOnlySpan<byte> chunk, ReadOnlySpan<byte> sum) =>
        Crc32.Of(chunk) == BinaryPrimitives.ReadUInt32BigEndian(sum);
}
