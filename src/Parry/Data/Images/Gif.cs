namespace Parry.Data.Images;

/// <summary>Reads the first frame of GIF files in memory through Skia.</summary>
internal static class Gif
{
    private const string Format = "GIF";
    private const int HeaderBytes = 13;
    private const byte Extension = 0x21;
    private const byte GraphicControl = 0xf9;
    private const byte HasTable = 0x80;
    private const byte HasTransparency = 1;

    /// <summary>Decodes the first frame to the colors of its palette, also where it is transparent.</summary>
    /// <exception cref="InvalidDataException">The file is corrupt or declares more than 64 Mi pixels.</exception>
    public static DecodedPicture Read(ReadOnlySpan<byte> file)
    {
        DecodedPicture picture = Skia.Read(file, Format);
        if (!picture.Traits.HasFlag(PictureTraits.Transparent) || FlagsOfFirstFrame(file) is not { } flags)
            return picture;

        // Skia forgets the colors of transparent pixels, so they are read again as if they were opaque.
        byte[] opaque = file.ToArray();
        opaque[flags] &= unchecked((byte)~HasTransparency);
        return picture with { Planes = Skia.Read(opaque, Format).Planes };
    }

    /// <summary>Finds the byte that makes one color of the first frame transparent; null if there is none.</summary>
    private static int? FlagsOfFirstFrame(ReadOnlySpan<byte> file)
    {
        if (file.Length < HeaderBytes)
            return null;
        int at = HeaderBytes;
        if ((file[10] & HasTable) != 0)
            at += 3 << ((file[10] & 7) + 1);
        int? flags = null;
        while (at + 3 < file.Length && file[at] == Extension)
        {
            if (file[at + 1] == GraphicControl)
                flags = at + 3;
            at += 2;
            while (at < file.Length && file[at] != 0)
                at += file[at] + 1;
            at++;
        }

        return flags;
    }
}
