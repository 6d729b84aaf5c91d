using Parry.Generative;
using Parry.Models.Architectures;
using Parry.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

public class GanGradientTests
{
    private static readonly ImageShape s_shape = new(1, 28, 28);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_fast_generator_draws_what_the_operators_draw_and_has_their_gradients(int channels)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using var generator = new ImageGenerator(new ImageShape(channels, 28, 28), random, width: 8, latent: 16);
        Tensor latents = randn([5, 16], generator: random);
        Tensor weights = randn([5, channels, 28, 28], generator: random);

        generator.RequireGrad();
        Tensor followed = latents.clone().requires_grad_();
        Tensor[] inputs = [followed, .. generator.Parameters().Select(p => p.Value)];
        Tensor expected = generator.forward(followed);
        Tensor?[] gradients = Autograd.Grad([expected.mul(weights).sum()], inputs);

        GeneratorPass pass = generator.Run(latents);
        AssertClose(expected, pass.Images);
        AssertClose(gradients[0]!, pass.LatentGradient(weights));
        foreach (var (byAutograd, byHand) in gradients.Skip(1).Zip(pass.ParameterGradients(weights))) AssertClose(byAutograd!, byHand);
    }

    [Fact]
    public void The_critics_loss_with_its_gradient_penalty_has_the_gradients_that_autograd_finds_by_differentiating_twice()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        using var critic = new WassersteinCritic(s_shape, random, width: 4);
        Tensor real = rand([3, 1, 28, 28], generator: random), fake = rand([3, 1, 28, 28], generator: random), mixed = rand([3, 1, 28, 28], generator: random);

        critic.RequireGrad();
        Tensor followed = mixed.clone().requires_grad_();
        Tensor gradient = Autograd.Grad(critic.forward(followed).sum(), followed, createGraph: true);
        Tensor penalty = linalg.vector_norm(gradient, 2, [1, 2, 3]).sub(1.0).pow(2.0).mean().mul(10.0);
        Tensor distance = critic.forward(fake).mean().sub(critic.forward(real).mean());
        Tensor?[] expected = Autograd.Grad([distance.add(penalty)], [.. critic.Parameters().Select(p => p.Value)]);

        var (byHandDistance, byHandPenalty, byHand) = new CriticPass(critic, cat([real, fake, mixed]), ScalarType.Float32).Loss(10);
        AssertClose(distance, byHandDistance);
        AssertClose(penalty, byHandPenalty);
        for (int i = 0; i < 8; i++) AssertClose(expected[i] ?? zeros_like(byHand[i]), byHand[i]);
    }

    [Fact]
    public void The_critics_image_gradient_is_autograds()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        using var critic = new WassersteinCritic(s_shape, random, width: 4);
        Tensor images = rand([3, 1, 28, 28], generator: random), weights = randn([3], generator: random);
        Tensor followed = images.clone().requires_grad_();
        Tensor expected = Autograd.Grad(critic.forward(followed).mul(weights).sum(), followed);
        AssertClose(expected, new CriticPass(critic, images, ScalarType.Float32).ImageGradient(weights));
    }

    private static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        double scale = expected.abs().amax([.. Enumerable.Range(0, expected.shape.Length).Select(d => (long)d)]).ToDouble();
        double difference = expected.sub(actual).abs().amax([.. Enumerable.Range(0, expected.shape.Length).Select(d => (long)d)]).ToDouble();
        Assert.True(difference <= (1e-4 * scale) + 1e-7, $"they differ by {difference} at a scale of {scale}");
    }
}
