using SkiaSharp;

namespace Parry.Data.Images;

/// <summary>What the PNG and the JPEG codec have in common: Skia, with the values as the file stores them.</summary>
internal static class Skia
{
    /// <summary>Reads a file's header.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static SKCodec Open(ReadOnlySpan<byte> file, string format)
    {
        using SKData data = SKData.CreateCopy(file);
        return SKCodec.Create(data) ?? throw Corrupt(format, SKCodecResult.InvalidInput);
    }

    /// <summary>Decodes the pixels, neither color managed nor premultiplied; the caller disposes of them.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or cut off.</exception>
    public static SKBitmap Decode(SKCodec codec, SKColorType type, string format)
    {
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, type, SKAlphaType.Unpremul, null);
        var bitmap = new SKBitmap(info);
        SKCodecResult result = codec.GetPixels(info, bitmap.GetPixels());
        if (result == SKCodecResult.Success)
            return bitmap;
        bitmap.Dispose();
        throw Corrupt(format, result);
    }

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
