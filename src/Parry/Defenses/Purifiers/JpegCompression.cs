using Parry.Data.Images;
using Parry.Options;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Defenses.Purifiers;

/// <summary>
/// JPEG compression (Dziugaite, Ghahramani, Roy, 2016, 1608.00853): encodes an image and decodes it again. The
/// attacker's gradient passes through it as if it were the identity, which is known to break it (Athalye, Carlini,
/// Wagner, 2018, 1802.00420).
/// </summary>
/// <param name="Shape">The shape of the images.</param>
public sealed record JpegCompression(ImageShape Shape) : IPurifier
{
    private const int RowsAtOnce = 128;

    /// <summary>The quality, 1 to 100; 75 in the paper.</summary>
    public int Quality
    {
        get;
        init =>
            field = value is >= 1 and <= 100
                ? value
                : throw new UserErrorException($"expected a JPEG quality of 1 to 100, got {value}");
    } = 75;

    /// <inheritdoc/>
    public string Name => "jpeg";

    /// <inheritdoc/>
    public GradientPath Path => GradientPath.Identity;

    /// <inheritdoc/>
    public bool IsRandom => false;

    /// <inheritdoc/>
    public Purified Purify(Tensor images, SampleRandom random) =>
        this.PurifyInPieces(images, random, RowsAtOnce, (rows, _) => Compressed(rows));

    private Tensor Compressed(Tensor images)
    {
        float[] values = images.contiguous().ToArray<float>();
        int pixels = Shape.Pixels;
        for (int from = 0; from < values.Length; from += pixels)
        {
            Span<float> image = values.AsSpan(from, pixels);
            var bytes = new byte[pixels];
            for (int k = 0; k < pixels; k++)
                bytes[k] = (byte)Math.Round(image[k] * 255);
            byte[] decoded = Jpeg.Decode(Jpeg.Encode(bytes, Shape, Quality), Shape.Channels).Planes;
            for (int k = 0; k < pixels; k++)
                image[k] = decoded[k] / 255f;
        }

        return tensor(values, images.shape);
    }
}

/// <summary>The options of <see cref="JpegCompression"/>.</summary>
public sealed record JpegCompressionSettings : IDefenseSettings
{
    /// <summary>The quality, 1 to 100.</summary>
    [Option("quality", "1 to 100", Min = 1)]
    public int Quality { get; init; } = 75;

    /// <inheritdoc/>
    public DefenseSpec Create(DefenseContext context)
    {
        var purifier = new JpegCompression(context.Shape) { Quality = Quality };
        return new DefenseSpec { Name = purifier.Name, Purifier = purifier };
    }
}
