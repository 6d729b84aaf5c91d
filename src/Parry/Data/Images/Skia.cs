using SkiaSharp;

namespace Parry.Data.Images;

/// <summary>
/// What the codecs have in common: Skia, with the values as the file stores them. Color profiles and gamma are ignored,
/// and the color of a transparent pixel is the stored one.
/// </summary>
internal static class Skia
{
    /// <summary>Reads a file's header.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static SKCodec Open(ReadOnlySpan<byte> file, string format)
    {
        using SKData data = SKData.CreateCopy(file);
        return SKCodec.Create(data) ?? throw Corrupt(format, SKCodecResult.InvalidInput);
    }

    /// <summary>Reads the header of a file of a format whose compression has no useful limit.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or declares more than 64 Mi pixels.</exception>
    public static (ImageShape Shape, int Orientation) Header(ReadOnlySpan<byte> file, string format)
    {
        using SKCodec codec = OpenChecked(file, format);
        return (ShapeOf(codec), (int)codec.EncodedOrigin);
    }

    /// <summary>Decodes the first frame of such a file.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or declares more than 64 Mi pixels.</exception>
    public static DecodedPicture Read(ReadOnlySpan<byte> file, string format)
    {
        using SKCodec codec = OpenChecked(file, format);
        return Read(codec, ShapeOf(codec), format);
    }

    /// <summary>Decodes the first frame.</summary>
    /// <param name="codec">The file.</param>
    /// <param name="shape">Its shape, of 1 channel if it is gray, else 3.</param>
    /// <param name="format">The name of its format.</param>
    /// <exception cref="InvalidDataException">The file is damaged or cut off.</exception>
    public static DecodedPicture Read(SKCodec codec, ImageShape shape, string format)
    {
        bool gray = codec.Info.ColorType == SKColorType.Gray8;
        using SKBitmap bitmap = Decode(codec, gray ? SKColorType.Gray8 : SKColorType.Rgba8888, format);
        ReadOnlySpan<byte> pixels = bitmap.GetPixelSpan();
        PictureTraits traits = PictureTraits.None;
        if (!gray && HasTransparency(pixels))
            traits |= PictureTraits.Transparent;
        if (codec.FrameCount > 1)
            traits |= PictureTraits.Animated;
        if (codec.EncodedOrigin != SKEncodedOrigin.TopLeft)
            traits |= PictureTraits.Turned;
        byte[] planes = Planes.Separate(pixels, shape, bitmap.BytesPerPixel);
        return new DecodedPicture(shape, planes, (int)codec.EncodedOrigin, traits);
    }

    /// <summary>The shape that a file declares: 1 channel if it is gray, else 3.</summary>
    public static ImageShape ShapeOf(SKCodec codec) =>
        new(codec.Info.ColorType == SKColorType.Gray8 ? 1 : 3, codec.Info.Height, codec.Info.Width);

    /// <summary>Writes a file from [C, H, W].</summary>
    public static byte[] Encode(ReadOnlySpan<byte> planes, ImageShape shape, Func<SKPixmap, SKData?> encode)
    {
        SKColorType type = shape.Channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888;
        using var bitmap = new SKBitmap(new SKImageInfo(shape.Width, shape.Height, type, SKAlphaType.Opaque, null));
        Planes.Interleave(planes, bitmap.GetPixelSpan(), shape.Channels, bitmap.BytesPerPixel);
        using SKPixmap pixels = bitmap.PeekPixels();
        using SKData? file = encode(pixels);
        return file?.ToArray() ?? throw new InvalidOperationException($"Skia could not encode an image of {shape}");
    }

    private static SKCodec OpenChecked(ReadOnlySpan<byte> file, string format)
    {
        SKCodec codec = Open(file, format);
        try
        {
            Planes.CheckSize(format, codec.Info.Width, codec.Info.Height, minimumFileBytes: 0, file.Length);
            return codec;
        }
        catch
        {
            codec.Dispose();
            throw;
        }
    }

    // Neither color managed nor premultiplied.
    private static SKBitmap Decode(SKCodec codec, SKColorType type, string format)
    {
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, type, SKAlphaType.Unpremul, null);
        var bitmap = new SKBitmap(info);
        SKCodecResult result = codec.GetPixels(info, bitmap.GetPixels());
        if (result == SKCodecResult.Success)
            return bitmap;
        bitmap.Dispose();
        throw Corrupt(format, result);
    }

    private static bool HasTransparency(ReadOnlySpan<byte> pixels)
    {
        for (int i = 3; i < pixels.Length; i += 4)
        {
            if (pixels[i] != byte.MaxValue)
                return true;
        }

        return false;
    }

    private static InvalidDataException Corrupt(string format, SKCodecResult result)
    {
        string reason = result switch
        {
            SKCodecResult.IncompleteInput => "it is cut off or corrupt",
            SKCodecResult.InvalidInput or SKCodecResult.ErrorInInput => "its content is corrupt",
            SKCodecResult.Unimplemented or SKCodecResult.InvalidConversion => "it is of a kind that cannot be read",
            _ => $"Skia says {result}",
        };
        return new InvalidDataException($"expected an undamaged {format}: {reason}");
    }
}
