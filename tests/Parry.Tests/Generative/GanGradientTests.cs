using Parry.Generative;
using Parry.Torch;

namespace Parry.Tests.Generative;

public class GanGradientTests
{
    private static readonly ImageShape s_shape = new(1, 28, 28);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_fast_generator_draws_what_the_operators_draw_and_has_their_gradients(int channels)
    {
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(3);
        using var generator = new ImageGenerator(new ImageShape(channels, 28, 28), random, width: 8, latent: 16);
        Tensor latents = Tensor.Normal([5, 16], random);
        Tensor weights = Tensor.Normal([5, channels, 28, 28], random);

        generator.RequireGrad();
        Tensor followed = latents.Clone().RequireGrad();
        Tensor[] inputs = [followed, .. generator.Parameters.Select(p => p.Value)];
        Tensor expected = generator.Forward(followed);
        Tensor?[] gradients = Autograd.Grad([expected.Mul(weights).Sum()], inputs);

        GeneratorPass pass = generator.Run(latents);
        AssertClose(expected, pass.Images);
        AssertClose(gradients[0]!, pass.LatentGradient(weights));
        foreach (var (byAutograd, byHand) in gradients.Skip(1).Zip(pass.ParameterGradients(weights))) AssertClose(byAutograd!, byHand);
    }

    [Fact]
    public void The_critics_loss_with_its_gradient_penalty_has_the_gradients_that_autograd_finds_by_differentiating_twice()
    {
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(4);
        using var critic = new WassersteinCritic(s_shape, random, width: 4);
        Tensor real = Tensor.Uniform([3, 1, 28, 28], random), fake = Tensor.Uniform([3, 1, 28, 28], random), mixed = Tensor.Uniform([3, 1, 28, 28], random);

        critic.RequireGrad();
        Tensor followed = mixed.Clone().RequireGrad();
        Tensor gradient = Autograd.Grad(critic.Forward(followed).Sum(), followed, createGraph: true);
        Tensor penalty = gradient.Norm(2, [1, 2, 3]).Sub(1).Pow(2).Mean().Mul(10);
        Tensor distance = critic.Forward(fake).Mean().Sub(critic.Forward(real).Mean());
        Tensor?[] expected = Autograd.Grad([distance.Add(penalty)], [.. critic.Parameters.Select(p => p.Value)]);

        var (byHandDistance, byHandPenalty, byHand) = new CriticPass(critic, Tensor.Cat([real, fake, mixed]), DType.Float32).Loss(10);
        AssertClose(distance, byHandDistance);
        AssertClose(penalty, byHandPenalty);
        for (int i = 0; i < 8; i++) AssertClose(expected[i] ?? byHand[i].ZerosLike(), byHand[i]);
    }

    [Fact]
    public void The_critics_image_gradient_is_autograds()
    {
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(5);
        using var critic = new WassersteinCritic(s_shape, random, width: 4);
        Tensor images = Tensor.Uniform([3, 1, 28, 28], random), weights = Tensor.Normal([3], random);
        Tensor followed = images.Clone().RequireGrad();
        Tensor expected = Autograd.Grad(critic.Forward(followed).Mul(weights).Sum(), followed);
        AssertClose(expected, new CriticPass(critic, images, DType.Float32).ImageGradient(weights));
    }

    private static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        double scale = expected.Abs().Amax([.. Enumerable.Range(0, expected.Shape.Length).Select(d => (long)d)]).ToDouble();
        double difference = expected.Sub(actual).Abs().Amax([.. Enumerable.Range(0, expected.Shape.Length).Select(d => (long)d)]).ToDouble();
        Assert.True(difference <= (1e-4 * scale) + 1e-7, $"they differ by {difference} at a scale of {scale}");
    }
}
