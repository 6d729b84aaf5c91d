using Parry.Catalogs;
using Parry.Defenses;
using Parry.Defenses.Detectors;
using Parry.Defenses.Purifiers;
using Parry.Generative;
using Parry.Generative.AutoEncoders;
using Parry.Generative.Gans;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class InvertAndClassifyTests : IDisposable
{
    private static readonly ImageShape s_shape = new(1, 8, 8);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Before_a_linear_generator_it_is_least_squares()
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor basis = Basis();
        Tensor images = Images(6);
        Purified found = Projector(basis).Purify(images, Draws(6));

        // The rows of the basis are orthogonal: each number is an inner product by itself.
        Tensor residual = images.sub(0.5).flatten(1);
        Tensor latents = residual.mm(basis.transpose(0, 1)).div(basis.pow(2.0).sum(1));
        float[] expected = latents.mm(basis).add(0.5).ToArray<float>();
        Assert.All(expected.Zip(found.Images.ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 5e-3));
    }

    [Fact]
    public void The_detectors_score_is_the_distance_from_the_span_and_its_gradient_points_straight_away_from_it()
    {
        using var scope = NewDisposeScope();
        Tensor basis = Basis();
        Tensor images = Images(4).requires_grad_();
        var detector = new OffManifold(Projector(basis), 1);
        Tensor scores = detector.Scores(images, Draws(4));
        Tensor gradient = Autograd.Grad(scores.sum(), images);
        Tensor residual = images.detach().sub(0.5).flatten(1);
        Tensor away = residual.sub(residual.mm(basis.transpose(0, 1)).div(basis.pow(2.0).sum(1)).mm(basis));
        Assert.All(
            linalg.vector_norm(away, 2, [1]).ToArray<float>().Zip(scores.ToArray<float>()),
            pair => Assert.Equal(pair.First, pair.Second, 1e-3)
        );
        float[] expected = away.div(linalg.vector_norm(away, 2, [1], true)).ToArray<float>();
        Assert.All(expected.Zip(gradient.ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 1e-2));
    }

    [Fact]
    public void Both_kinds_of_generator_draw_what_their_networks_draw_with_the_gradients_of_autograd()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using var generator = new ImageGenerator(s_shape, random, width: 4, latent: 5);
        using var vae = new Vae(
            s_shape,
            random,
            new()
            {
                Latent = 5,
                Encoder = [4],
                Decoder = [6, 7],
            }
        );
        Agree(generator, generator.forward);
        Agree(vae, vae.Decode);

        void Agree(ILatentModel generator, Func<Tensor, Tensor> forward)
        {
            Assert.Equal((s_shape, 5), (generator.Shape, generator.Latent));
            Tensor latents = randn([3, 5], generator: random);
            Tensor weights = randn([3, 1, 8, 8], generator: random);
            Tensor followed = latents.clone().requires_grad_();
            Tensor images = forward(followed);
            Tensor expected = Autograd.Grad(images, followed, weights);
            Drawing drawing = generator.Draw(latents);
            Assert.False(drawing.Images.requires_grad);
            Assert.All(
                images.detach().ToArray<float>().Zip(drawing.Images.ToArray<float>()),
                pair => Assert.Equal(pair.First, pair.Second, 1e-5)
            );
            Assert.All(
                expected.ToArray<float>().Zip(drawing.LatentGradient(weights).ToArray<float>()),
                pair => Assert.Equal(pair.First, pair.Second, 1e-4)
            );
        }
    }

    [Fact]
    public void It_is_read_with_either_generator_rejection_and_its_breaks()
    {
        using DefenseContext context = new("checks", s_shape, 3);
        using var random = new Generator(3);
        using (
            var vae = new Vae(
                s_shape,
                random,
                new()
                {
                    Latent = 5,
                    Encoder = [4],
                    Decoder = [6],
                }
            )
        )
            ModelFile.Save(File("vae"), vae, vae.Describe() with { Data = "checks" });
        using (
            var vae = new Vae(
                new(1, 4, 4),
                random,
                new()
                {
                    Latent = 5,
                    Encoder = [4],
                    Decoder = [6],
                }
            )
        )
            ModelFile.Save(File("other"), vae, vae.Describe() with { Data = "checks" });
        using (var generator = new ImageGenerator(s_shape, random, width: 4, latent: 4))
            ModelFile.Save(
                File("gan"),
                generator,
                new ModelDescription
                {
                    Architecture = ImageGenerator.Architecture,
                    Data = "checks",
                    Shape = s_shape,
                    Width = 4,
                    Latent = 4,
                }
            );

        DefenseSpec spec = DefenseCatalog.Parse(
            $"invert-and-classify:generator={File("vae")},l=30,r=4,reject=2.5,attack-l=7,draws=3",
            context
        );
        var (mine, theirs) = ((InvertAndClassify)spec.Purifier!, (InvertAndClassify)spec.AttackersPurifier!);
        Assert.IsType<Vae>(mine.Generator);
        Assert.Equal((30, 4, 7, 2, 3), (mine.Steps, mine.Restarts, theirs.Steps, theirs.Restarts, spec.Draws));
        Assert.Equal(2.5, Assert.Single(spec.Detectors).Threshold);
        Assert.Equal(["on-manifold", "overpowered", "reconstruction-evasion"], spec.Breaks.Select(known => known.Name));
        DefenseSpec other = DefenseCatalog.Parse($"invert-and-classify:generator={File("gan")}", context);
        Assert.IsType<ImageGenerator>(((InvertAndClassify)other.Purifier!).Generator);
        Assert.Empty(other.Detectors);
        Assert.Throws<UserErrorException>(() =>
            DefenseCatalog.Parse($"invert-and-classify:generator={File("other")}", context)
        );

        string File(string name) => Path.Combine(_folder.Path, $"{name}.safetensors");
    }

    // Three orthogonal vectors, each on rows of its own.
    private static Tensor Basis()
    {
        var values = new float[3 * s_shape.Pixels];
        for (int i = 0; i < 48; i++)
            values[((i / 16) * s_shape.Pixels) + i] = i % 2 == 0 ? 0.1f : 0.2f;
        return tensor(values, [3, s_shape.Pixels]);
    }

    private static InvertAndClassify Projector(Tensor basis) =>
        new(new LinearGenerator(s_shape, basis, 0.5))
        {
            Steps = 400,
            Restarts = 2,
            LearningRate = 0.05,
        };

    private static SampleRandom Draws(int count) => new(1, Enumerable.Range(0, count).Select(i => (long)i).ToArray());

    private static Tensor Images(int count)
    {
        using var random = new Generator(5);
        return rand([count, 1, 8, 8], generator: random);
    }
}
