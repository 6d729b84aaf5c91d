using System.Globalization;
using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Attacks.Generative;

/// <summary>
/// AdvGAN's generator, c3s1-8, d16, d32, four residual blocks of 32, u16, u8, c3s1 to the image's channels, tanh: 3x3
/// convolutions with instance normalization and ReLU, twice halving and doubling the size. From images [N, C, H, W] in
/// [0, 1] to a perturbation of the same shape in [-1, 1]. Or, where a length of its latent vector is given, that of
/// Yang, Rho, Yang, "AdvGAN vs. Defensive Purification": five convolutions halve the image to one latent vector, and
/// five transposed ones double it again.
/// </summary>
/// <remarks>
/// That report names no channels: d8, d16, d32, d64 and the latent vector's length, then u64, u32, u16, u8 and the
/// image's channels here. A map of one pixel is not normalized, which would make it zero; nor is the perturbation.
/// </remarks>
public sealed class PerturbationGenerator : Network
{
    /// <summary>The architecture's name in weight files.</summary>
    public const string Architecture = "advgan";

    private const int Window = 3;
    private const int Wide = 32;
    private const int Blocks = 4;
    private const double Epsilon = 1e-5;
    private const string Budget = "epsilon";
    private const string LatentName = "latent";
    private const int MostLatent = 1 << 16;

    private readonly Conv2d[] _down;
    private readonly Conv2d[] _blocks;
    private readonly ConvTranspose2d[] _up;
    private readonly nn.Module<Tensor, Tensor> _last;

    /// <summary>Creates it with weights from N(0, 0.02).</summary>
    /// <param name="shape">The shape of the images.</param>
    /// <param name="random">Draws the weights.</param>
    /// <param name="latent">The length of the latent vector; null for AdvGAN's own generator.</param>
    public PerturbationGenerator(ImageShape shape, Generator random, int? latent = null)
    {
        (Shape, Latent) = (shape, latent);
        int[] down = latent is { } length ? [8, 16, 32, 64, length] : [8, 16, Wide];
        int[] up = latent is null ? [16, 8] : [64, 32, 16, 8];
        _down = [.. down.Select((to, i) => Down(i, i == 0 ? shape.Channels : down[i - 1], to))];
        _blocks =
        [
            .. Enumerable
                .Range(0, latent is null ? 2 * Blocks : 0)
                .Select(i =>
                    Child($"block{(i / 2) + 1}-{(i % 2) + 1}", Layer.Conv2d(Wide, Wide, Window, random, padding: 1))
                ),
        ];
        _up = [.. up.Select((to, i) => Up(i, i == 0 ? down[^1] : up[i - 1], to))];
        _last = latent is null
            ? Child("conv4", Layer.Conv2d(up[^1], shape.Channels, Window, random, padding: 1))
            : Up(up.Length, up[^1], shape.Channels);
        foreach (var (_, parameter) in this.Parameters().Where(parameter => parameter.Value.shape.Length > 1))
            Init.Gaussian(parameter, 0.02, random);

        Conv2d Down(int i, int from, int to) =>
            Child($"conv{i + 1}", Layer.Conv2d(from, to, Window, random, stride: StrideOf(i), padding: 1));

        ConvTranspose2d Up(int i, int from, int to) =>
            Child(
                $"up{i + 1}",
                Layer.ConvTranspose2d(from, to, Window, random, stride: 2, padding: 1, outputPadding: 1)
            );
    }

    /// <summary>The shape of the images.</summary>
    public ImageShape Shape { get; }

    /// <summary>The length of the latent vector; null for AdvGAN's own generator, which has none.</summary>
    public int? Latent { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        var sizes = new Stack<long[]>();
        Tensor map = input;
        for (int i = 0; i < _down.Length; i++)
        {
            if (StrideOf(i) == 2)
                sizes.Push(map.shape[2..]);
            map = Block(_down[i], map);
        }

        for (int i = 0; i < _blocks.Length; i += 2)
            map += Normalized(_blocks[i + 1].forward(Block(_blocks[i], map)));
        foreach (ConvTranspose2d up in _up)
            map = Cut(Block(up, map), sizes.Pop());
        Tensor drawn = _last.forward(map);
        return (sizes.TryPop(out long[]? size) ? Cut(drawn, size) : drawn).tanh();
    }

    /// <summary>What a weight file says of it; the caller adds the training.</summary>
    /// <param name="epsilon">The budget it was trained for.</param>
    public ModelDescription Describe(double epsilon) =>
        new()
        {
            Architecture = Architecture,
            Data = "",
            Shape = Shape,
            Settings = string.Create(
                CultureInfo.InvariantCulture,
                $"{Budget}={epsilon}{(Latent is { } latent ? $",{LatentName}={latent}" : "")}"
            ),
        };

    /// <summary>Reads one from a weight file, which the caller owns.</summary>
    /// <returns>The generator, the budget it was trained for, and what else the file says.</returns>
    /// <exception cref="UserErrorException">There is no such file, it is damaged, or holds something else.</exception>
    public static (PerturbationGenerator Generator, double Epsilon, ModelDescription Description) Load(string path)
    {
        double epsilon = 0;
        var (generator, description) = ModelFile.Load<PerturbationGenerator>(
            path,
            [Architecture],
            description =>
            {
                string? budget = description.Setting(Budget);
                if (
                    !double.TryParse(budget, NumberStyles.Float, CultureInfo.InvariantCulture, out epsilon)
                    || !(epsilon > 0 && double.IsFinite(epsilon))
                )
                    throw new InvalidDataException($"It does not say for which budget it was trained (\"{budget}\").");
                int? latent = description.Setting(LatentName) is null
                    ? null
                    : description.NeedSetting(LatentName, MostLatent);
                return (
                    ParametersOf(description.Shape.Channels, latent),
                    random => new PerturbationGenerator(description.Shape, random, latent)
                );
            }
        );
        return (generator, epsilon, description);
    }

    /// <summary>The length of the latent vector of a generator with these weights; null if it has none.</summary>
    internal static int? LatentOf(IReadOnlyDictionary<string, Tensor> weights) =>
        weights.TryGetValue("conv5.bias", out Tensor? bias) ? (int)bias.shape[0] : null;

    private static long ParametersOf(long channels, int? latent)
    {
        long[] widths = latent is { } length
            ? [channels, 8, 16, 32, 64, length, 64, 32, 16, 8, channels]
            : [channels, 8, 16, .. Enumerable.Repeat((long)Wide, (2 * Blocks) + 1), 16, 8, channels];
        return widths.Zip(widths.Skip(1), (from, to) => ((from * Window * Window) + 1) * to).Sum();
    }

    // AdvGAN's own generator keeps the size in its first layer.
    private int StrideOf(int layer) => Latent is null && layer == 0 ? 1 : 2;

    // A transposed convolution doubles a size; what is one too large is cut.
    private static Tensor Cut(Tensor map, long[] size) => map.slice(2, 0, size[0], 1).slice(3, 0, size[1], 1);

    private static Tensor Block(nn.Module<Tensor, Tensor> convolution, Tensor input) =>
        Normalized(convolution.forward(input)).relu();

    private static Tensor Normalized(Tensor map) =>
        map.size(2) * map.size(3) == 1 ? map : nn.functional.instance_norm(map, weight: null, bias: null, eps: Epsilon);
}
