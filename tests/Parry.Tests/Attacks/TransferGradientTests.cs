using Parry.Attacks;
using Parry.Attacks.Building;
using Parry.Attacks.Transfer;
using Parry.Attacks.WhiteBox;
using Parry.Models;
using Parry.Runtime;
using Parry.Tests.Attacks.Conformance;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

/// <summary>What turns gradients into ones that transfer better.</summary>
public class TransferGradientTests
{
    private static readonly long[] s_samples = [0, 1, 2, 3];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(15)]
    public void The_kernel_of_TI_sums_to_1_and_blurs_as_a_convolution_does(int size)
    {
        using var scope = NewDisposeScope();
        float[] kernel = TranslationInvariance.Kernel(size).ToArray<float>();
        Assert.Equal(1, kernel.Sum(), 1e-5);
        Assert.Equal(kernel.Max(), kernel[kernel.Length / 2]);
        using var random = new Generator(3);
        Tensor gradient = randn([2, 3, 6, 5], generator: random);
        float[] g = gradient.ToArray<float>();
        float[] blurred = TranslationInvariance.Blur(gradient, size).ToArray<float>();
        for (int at = 0; at < g.Length; at++)
        {
            var (plane, y, x) = (at / 30, at / 5 % 6, at % 5);
            double sum = 0;
            for (int i = 0; i < kernel.Length; i++)
            {
                var (v, u) = (y + (i / size) - (size / 2), x + (i % size) - (size / 2));
                if (v is >= 0 and < 6 && u is >= 0 and < 5)
                    sum += kernel[i] * g[(30 * plane) + (5 * v) + u];
            }

            Assert.Equal(sum, blurred[at], 1e-5);
        }
    }

    [Fact]
    public void SI_averages_the_gradients_of_ever_darker_copies()
    {
        using var scope = NewDisposeScope();
        Tensor points = Drawn();
        var asked = new List<double>();
        GradientAt ofHalfTheSquare = (copy, _) =>
        {
            asked.Add(copy[0, 0, 0, 0].Item());
            return copy;
        };
        Tensor gradient = ScaleInvariance.Of(ofHalfTheSquare, copies: 3)(points, Random(1));
        double first = points[0, 0, 0, 0].Item();
        Assert.Equal([first, first / 2, first / 4], asked);

        // The mean of x²/2, (x/2)²/2 and (x/4)²/2 has the derivative (1 + 1/4 + 1/16) x/3.
        AreNear(points * (21 / 48.0), gradient, 1e-6);
    }

    [Fact]
    public void DI_shows_each_image_smaller_somewhere_on_black_and_by_its_own_draws()
    {
        using var scope = NewDisposeScope();
        Tensor white = ones([4, 3, 20, 30]);
        Tensor shown = InputDiversity.Apply(white, Random(1), chance: 1);
        Assert.Equal(white.shape, shown.shape);
        float[] brightness = shown.mean([1, 2, 3]).ToArray<float>();
        Assert.All(brightness, mean => Assert.InRange(mean, 0.8, 0.999));
        Assert.Equal(4, brightness.Distinct().Count());
        Assert.Equal(white.ToArray<float>(), InputDiversity.Apply(white, Random(1), chance: 0).ToArray<float>());
        for (int row = 0; row < 4; row++)
        {
            Tensor one = InputDiversity.Apply(white.At([row]), Random(1).For(new long[] { row }), chance: 1);
            Assert.Equal(shown.Row(row), one.ToArray<float>());
        }
    }

    [Fact]
    public void DI_gives_the_gradient_with_respect_to_the_image_itself()
    {
        using var scope = NewDisposeScope();
        Tensor points = Drawn();
        Tensor weights = Drawn(seed: 5);

        // What the model sees is linear in the image, so that the gradient of sum(seen · weights) gives that sum.
        Tensor gradient = InputDiversity.Of((_, _) => weights, chance: 1)(points, Random(2));
        Tensor seen = InputDiversity.Apply(points, Random(2), chance: 1);
        AreNear((seen * weights).sum([1, 2, 3]), (points * gradient).sum([1, 2, 3]), 1e-4);
    }

    [Fact]
    public void The_variance_of_VMI_is_0_for_a_linear_loss_and_the_bend_of_a_curved_one()
    {
        using var scope = NewDisposeScope();
        Tensor points = full([4, 1, 5, 5], 0.5);
        Tensor weights = ones_like(points);
        Tensor none = GradientVariance.Of((_, _) => weights, points, weights, radius: 0.3, count: 3, Random(1));
        Assert.All(none.ToArray<float>(), value => Assert.Equal(0, value));

        // The mean of (x + r)² for r uniform in [-0.3, 0.3] is x² + 0.3²/3.
        GradientAt square = (x, _) => x * x;
        Tensor bend = GradientVariance.Of(square, points, points * points, radius: 0.3, count: 500, Random(1));
        Assert.All(bend.mean([1, 2, 3]).ToArray<float>(), value => Assert.Equal(0.03, value, 0.01));
    }

    [Fact]
    public void NI_takes_the_gradient_where_the_momentum_leads()
    {
        using var scope = NewDisposeScope();
        var problem = new LinearProblem(Norm.Linf, classes: 2, count: 3, seed: 4);
        var watched = new Watched(problem.Model);
        var attack = new MomentumIterative
        {
            Epsilon = 0.2,
            Steps = 2,
            Nesterov = true,
        };
        attack.Perturb(
            watched,
            new Batch(Images.Of(problem.Images), problem.Goal(false), new SampleRandom(1, new long[] { 0, 1, 2 })),
            0.2
        );
        Tensor gradient = watched.Gradients[0];
        Tensor unit = gradient / gradient.abs().mean([1, 2, 3], keepdim: true);
        Tensor first = problem.Images + (0.1 * gradient.sign());
        AreNear(problem.Images, watched.Points[0], 0);
        AreNear((first + (0.1 * unit)).clamp(0.0, 1.0), watched.Points[1], 1e-5);
    }

    [Fact]
    public void An_ensemble_averages_logits_or_probabilities_of_models_of_the_same_images()
    {
        using var scope = NewDisposeScope();
        var shape = new ImageShape(1, 5, 5);
        IClassifier[] members = [new SmallNetwork(shape, 3, seed: 1), new SmallNetwork(shape, 3, seed: 2)];
        Images images = Images.Of(Drawn());
        Tensor[] logits = [.. members.Select(member => member.Logits(images))];
        AreNear((logits[0] + logits[1]) / 2, new ModelEnsemble(members, EnsembleMean.Logits).Logits(images), 1e-4);
        AreNear(
            (logits[0].softmax(-1) + logits[1].softmax(-1)) / 2,
            new ModelEnsemble(members, EnsembleMean.Probabilities).Logits(images).softmax(-1),
            1e-5
        );
        Assert.Contains(
            "3 classes of 1x5x5 and 4 classes of 1x5x5",
            Assert
                .Throws<UserErrorException>(() =>
                    new ModelEnsemble([members[0], new SmallNetwork(shape, 4, seed: 3)], EnsembleMean.Logits)
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    private static SampleRandom Random(long seed) => new(seed, s_samples);

    private static Tensor Drawn(int seed = 1)
    {
        using var random = new Generator((ulong)seed);
        return rand([4, 1, 5, 5], generator: random);
    }

    private static void AreNear(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        foreach (var (wanted, got) in expected.ToArray<float>().Zip(actual.ToArray<float>()))
            Assert.Equal(wanted, got, tolerance);
    }

    /// <summary>Keeps the points it is differentiated at, and the gradients.</summary>
    private sealed class Watched(IClassifier model) : IClassifier
    {
        public List<Tensor> Points { get; } = [];

        public List<Tensor> Gradients { get; } = [];

        public ImageShape Shape => model.Shape;

        public int Classes => model.Classes;

        public Tensor Logits(Images images) => model.Logits(images);

        public LossGradient Gradient(Images images, Func<Tensor, Tensor> loss)
        {
            LossGradient pass = model.Gradient(images, loss);
            Points.Add(images.Pixels.clone().DetachFromDisposeScope());
            Gradients.Add(pass.Gradient.clone().DetachFromDisposeScope());
            return pass;
        }
    }
}
