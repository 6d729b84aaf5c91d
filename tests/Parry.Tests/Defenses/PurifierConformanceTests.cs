using Parry.Defenses;
using Parry.Defenses.Purifiers;
using Parry.Defenses.Squeezing;
using Parry.Generative.AutoEncoders;
using Parry.Generative.Diffusion;
using Parry.Generative.Gans;
using Parry.Models;
using Parry.Models.Architectures.Layers;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

/// <summary>What every purifier owes its callers. A new one joins by a line in the table.</summary>
public sealed class PurifierConformanceTests : IDisposable
{
    private const int Count = 5;
    private static readonly ImageShape s_shape = new(1, 12, 12);

    private static readonly Dictionary<
        string,
        Func<Generator, (IPurifier Purifier, nn.Module<Tensor, Tensor> Network)>
    > s_purifiers = new()
    {
        ["defense-gan"] = random =>
            Of(
                new ImageGenerator(s_shape, random, width: 4, latent: 4),
                network => new DefenseGan(network) { Steps = 8, Restarts = 3 }
            ),
        ["invert-and-classify"] = random =>
            Of(
                new ImageGenerator(s_shape, random, width: 4, latent: 4),
                network => new InvertAndClassify(network) { Steps = 8, Restarts = 3 }
            ),
        ["invert-and-classify with an auto-encoder"] = random =>
            Of(
                new Vae(
                    s_shape,
                    random,
                    new()
                    {
                        Latent = 3,
                        Encoder = [4],
                        Decoder = [6],
                    }
                ),
                network => new InvertAndClassify(network) { Steps = 8, Restarts = 3 }
            ),
        ["diffusion"] = random =>
            Of(new DiffusionUNet(s_shape, random, width: 8), network => new Diffusion(network) { Steps = 3 }),
        ["diffusion with the gradient as it is"] = random =>
            Of(
                new DiffusionUNet(s_shape, random, width: 8),
                network => new Diffusion(network) { Steps = 2, Path = GradientPath.Identity }
            ),
        ["puvae"] = random =>
            Of(new PuVaeNetwork(s_shape, 3, random, width: 2, hidden: 8, latent: 3), network => new PuVae(network)),
        ["puvae without noise"] = random =>
            Of(
                new PuVaeNetwork(s_shape, 3, random, width: 2, hidden: 8, latent: 3),
                network => new PuVae(network) { Noise = 0 }
            ),
        ["magnet"] = random => Of(new MagNetNetwork(s_shape, 1, random), network => new MagNet(network)),
        ["magnet with any of its members"] = random =>
            Of(new MagNetNetwork(s_shape, 4, random), network => new MagNet(network) { Member = null }),
        ["fast-defense-gan"] = random =>
            Of(
                new ImageGenerator(s_shape, random, width: 4, latent: 4),
                network => new FastDefenseGan(network, new PriorSamples(network, 20, seed: 1))
                {
                    Stages = 2,
                    StageSteps = 3,
                }
            ),
        ["bit-depth"] = _ => Of(Layer.Flatten(), _ => new BitDepth(s_shape) { Bits = 3 }),
        ["jpeg"] = _ => Of(Layer.Flatten(), _ => new JpegCompression(s_shape)),
        ["median"] = _ => Of(Layer.Flatten(), _ => new MedianSmoothing(s_shape)),
        ["defense-vae"] = random =>
            Of(new DefenseVaeNetwork(s_shape, random, width: 2, latent: 3), network => new DefenseVae(network)),
    };

    private readonly List<nn.Module<Tensor, Tensor>> _networks = [];

    public static TheoryData<string> Names { get; } = [.. s_purifiers.Keys];

    public void Dispose() => _networks.ForEach(network => network.Dispose());

    [Theory]
    [MemberData(nameof(Names))]
    public void Purified_images_have_the_shape_and_stay_in_the_box_with_their_squared_errors(string name)
    {
        using var scope = NewDisposeScope();
        IPurifier purifier = Make(name);
        Tensor images = Images();
        Purified purified = purifier.Purify(images, Draws());
        Assert.Equal(s_shape, purifier.Shape);
        Assert.Equal(images.shape, purified.Images.shape);
        Assert.Equal([Count], purified.Errors.shape);
        Assert.All(purified.Images.ToArray<float>(), value => Assert.InRange(value, 0, 1));
        float[] expected = purified.Images.sub(images).pow(2.0).mean([1, 2, 3]).ToArray<float>();
        Assert.All(expected.Zip(purified.Errors.ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_batch_gives_what_its_images_give_one_by_one(string name)
    {
        using var scope = NewDisposeScope();
        IPurifier purifier = Make(name);
        Tensor images = Images();
        float[] together = purifier.Purify(images, Draws()).Images.ToArray<float>();
        float[] alone =
        [
            .. Enumerable
                .Range(0, Count)
                .SelectMany(i =>
                    purifier
                        .Purify(images.slice(0, i, i + 1, 1), new SampleRandom(7, new long[] { i }))
                        .Images.ToArray<float>()
                ),
        ];
        Assert.All(together.Zip(alone), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_same_seed_gives_the_same_images_and_another_gives_others_where_the_purifier_says_that_it_draws(
        string name
    )
    {
        using var scope = NewDisposeScope();
        IPurifier purifier = Make(name);
        Tensor images = Images();
        float[] once = purifier.Purify(images, Draws()).Images.ToArray<float>();
        Assert.Equal(once, purifier.Purify(images, Draws()).Images.ToArray<float>());
        float[] other = purifier.Purify(images, Draws().Fork(1)).Images.ToArray<float>();
        if (purifier.IsRandom)
            Assert.NotEqual(once, other);
        else
            Assert.Equal(once, other);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Images_that_are_no_images_are_refused(string name)
    {
        using var scope = NewDisposeScope();
        IPurifier purifier = Make(name);
        foreach (float wrong in new[] { float.NaN, float.PositiveInfinity, -0.5f, 255 })
        {
            float[] values = Images().ToArray<float>();
            values[17] = wrong;
            Refused(tensor(values, [Count, 1, 12, 12]), "[0, 1]");
        }

        Refused(zeros([Count, 1, 12, 11]), "12, 12");
        Refused(zeros([Count, 3, 12, 12]), "12, 12");
        Refused(zeros([Count, 144]), "12, 12");

        void Refused(Tensor images, string told)
        {
            var error = Assert.Throws<UserErrorException>(() => purifier.Purify(images, Draws()));
            Assert.Contains(purifier.Name, error.Message, StringComparison.Ordinal);
            Assert.Contains(told, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_attackers_gradient_reaches_the_images(string name)
    {
        using var scope = NewDisposeScope();
        IPurifier purifier = Make(name);
        Tensor images = Images();
        Tensor gradient = ((IClassifier)purifier.Protect(new LinearClassifier(s_shape), seed: 3))
            .Gradient(images, logits => logits.pow(2.0).sum(1))
            .Gradient;
        Assert.Contains(gradient.ToArray<float>(), value => value != 0);
    }

    private static (IPurifier, nn.Module<Tensor, Tensor>) Of<T>(T network, Func<T, IPurifier> make)
        where T : nn.Module<Tensor, Tensor> => (make(network), network);

    private IPurifier Make(string name)
    {
        using var random = new Generator(1);
        var (purifier, network) = s_purifiers[name](random);
        _networks.Add(network);
        return purifier;
    }

    private static Tensor Images()
    {
        using var random = new Generator(9);
        return rand([Count, 1, 12, 12], generator: random);
    }

    private static SampleRandom Draws() => new(7, Enumerable.Range(0, Count).Select(i => (long)i).ToArray());
}
