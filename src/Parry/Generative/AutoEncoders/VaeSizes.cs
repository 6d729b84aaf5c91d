using System.Globalization;
using Parry.Models.Files;
using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// The sizes of the layers of a dense variational auto-encoder. The defaults are those of the robust manifold defense
/// (Jalal et al., 2017, 1712.09196).
/// </summary>
public sealed record VaeSizes
{
    private const int Largest = 1 << 20;

    /// <summary>The length of a latent vector.</summary>
    public int Latent { get; init; } = 20;

    /// <summary>The sizes of the encoder's hidden layers, from image to code.</summary>
    public IReadOnlyList<int> Encoder { get; init; } = [500];

    /// <summary>The sizes of the decoder's hidden layers, from code to image.</summary>
    public IReadOnlyList<int> Decoder { get; init; } = [500, 500];

    /// <summary>The hidden layers as text, for weight files.</summary>
    internal string Text => $"encoder={string.Join('-', Encoder)},decoder={string.Join('-', Decoder)}";

    internal int[] OfEncoder(int pixels, int classes = 0) => [pixels + classes, .. Encoder, 2 * Latent];

    internal int[] OfDecoder(int pixels, int classes = 0) => [Latent + classes, .. Decoder, pixels];

    /// <summary>
    /// The distribution that the encoder's output [N, 2 · latent] describes: means, then logarithms of variances.
    /// </summary>
    internal GaussianCode Code(Tensor output)
    {
        Tensor mean = output.slice(1, 0, Latent, 1);
        Tensor logVariance = output.slice(1, Latent, 2 * Latent, 1);
        return GaussianCode.OfLogVariance(mean, logVariance);
    }

    /// <exception cref="InvalidDataException">The description lacks them, or they are out of range.</exception>
    internal static VaeSizes Of(ModelDescription description) =>
        new()
        {
            Latent = description.NeedLatent(),
            Encoder = Hidden(description, "encoder"),
            Decoder = Hidden(description, "decoder"),
        };

    private static int[] Hidden(ModelDescription description, string name)
    {
        string text = description.Setting(name) ?? "";
        int[] sizes =
        [
            .. text.Split('-')
                .Select(size =>
                    int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : 0
                ),
        ];
        return sizes.All(size => size is >= 1 and <= Largest)
            ? sizes
            : throw new InvalidDataException($"It does not say the sizes of its {name} (\"{text}\").");
    }
}
