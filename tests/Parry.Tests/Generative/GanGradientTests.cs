using Parry.Generative;
using Parry.Generative.Gans;
using Parry.Models.Architectures;
using Parry.Runtime;
using Parry.Tests.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

public class GanGradientTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_generators_gradients_agree_with_finite_differences(int channels)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using var generator = new ImageGenerator(new ImageShape(channels, 8, 8), random, width: 2, latent: 3);
        generator.to(ScalarType.Float64);
        foreach (var (name, parameter) in generator.Parameters())
        {
            // Away from zero, where ReLU has no derivative.
            if (name.EndsWith("bias", StringComparison.Ordinal))
                parameter.uniform_(0.1, 0.5, random);
        }

        generator.RequireGrad();
        Tensor latents = GradientCheck.Leaf(random, 2, 3);
        GradientCheck.First(
            () => generator.forward(latents),
            [latents, .. generator.Parameters().Select(p => p.Value)]
        );
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_drawing_is_what_the_generator_gives_and_has_its_latent_gradient(int channels)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using var generator = new ImageGenerator(new ImageShape(channels, 28, 28), random, width: 8, latent: 16);
        Tensor latents = randn([5, 16], generator: random);
        Tensor weights = randn([5, channels, 28, 28], generator: random);
        Tensor followed = latents.clone().requires_grad_();
        Tensor expected = generator.forward(followed);
        using var frozen = no_grad();
        Drawing drawing = generator.Draw(latents);
        AssertClose(expected, drawing.Images);
        AssertClose(Autograd.Grad(expected, followed, weights), drawing.LatentGradient(weights));
    }

    [Fact]
    public void The_critics_loss_with_its_gradient_penalty_has_the_gradients_that_finite_differences_find()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        using var critic = new WassersteinCritic(new ImageShape(1, 8, 8), random, width: 2);
        critic.to(ScalarType.Float64);
        foreach (var (name, parameter) in critic.Parameters())
        {
            if (name.EndsWith("bias", StringComparison.Ordinal))
                parameter.uniform_(0.1, 0.5, random);
        }

        critic.RequireGrad();
        Tensor[] images =
        [
            .. Enumerable.Range(0, 3).Select(_ => rand([2, 1, 8, 8], ScalarType.Float64, generator: random)),
        ];
        GradientCheck.First(Loss, [.. critic.Parameters().Select(p => p.Value)]);

        Tensor Loss()
        {
            var (distance, penalty) = critic.Loss(images[0], images[1], images[2], 10, ScalarType.Float64);
            return distance + penalty;
        }
    }

    private static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        double scale = expected.abs().amax([.. Enumerable.Range(0, expected.shape.Length).Select(d => (long)d)]).Item();
        double difference = expected
            .sub(actual)
            .abs()
            .amax([.. Enumerable.Range(0, expected.shape.Length).Select(d => (long)d)])
            .Item();
        Assert.True(difference <= (1e-4 * scale) + 1e-7, $"they differ by {difference} at a scale of {scale}");
    }
}
