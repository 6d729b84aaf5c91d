using System.Globalization;
using Parry.Models;
using static TorchSharp.torch;

namespace Parry.Generative.AutoEncoders;

/// <summary>
/// The sizes of the layers of a dense variational auto-encoder. The defaults are those of the robust manifold defense
/// (Jalal et al., 2017, 1712.09196).
/// </summary>
public sealed record VaeSizes
{
    private const int Largest = 1 << 20;

    /// <summary>The length of the latent vector.</summary>
    public int Latent { get; init; } = 20;

    /// <summary>The encoder's hidden layers, from the image on.</summary>
    public IReadOnlyList<int> Encoder { get; init; } = [500];

    /// <summary>The decoder's hidden layers, from the latent vector on.</summary>
    public IReadOnlyList<int> Decoder { get; init; } = [500, 500];

    /// <summary>The hidden layers as text, for weight files.</summary>
    internal string Text => $"encoder={string.Join('-', Encoder)},decoder={string.Join('-', Decoder)}";

    internal int[] OfEncoder(int pixels, int classes = 0) => [pixels + classes, .. Encoder, 2 * Latent];

    internal int[] OfDecoder(int pixels, int classes = 0) => [Latent + classes, .. Decoder, pixels];

    /// <summary>
    /// The distribution that the encoder's output [N, 2 latent] names: means, then logarithms of variances.
    /// </summary>
    internal GaussianCode Code(Tensor output) =>
        new(output.slice(1, 0, Latent, 1), output.slice(1, Latent, 2 * Latent, 1).mul(0.5).exp());

    /// <exception cref="InvalidDataException">The description lacks them, or they make no sense.</exception>
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
