using Parry.Generative.AutoEncoders;
using Parry.Generative.Gans;
using Parry.Generative.Quality;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Runtime;
using Parry.Tests.Attacks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Parry.Tests.Generative.Quality;

public class FeatureNetworkTests
{
    private static readonly ImageShape s_shape = new(1, 12, 12);

    [Theory]
    [InlineData("classifier-a", 128)]
    [InlineData("classifier-d", 200)]
    [InlineData("lenet", 500)]
    public void Features_are_what_the_last_layer_sees_in_evaluation_mode(string architecture, int length)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        ImageShape shape = new(1, 28, 28);
        using var classifier = new NetworkClassifier(Classifiers.Create(architecture, shape, 10, random), shape, 10);
        var features = new FeatureNetwork(classifier);
        Tensor images = rand([260, 1, 28, 28], generator: random);
        Tensor expected = classifier.Logits(images).to(ScalarType.Float64).softmax(-1);

        // Dropout would change the features of a network that is being trained.
        classifier.Network.Train(random);
        var (hidden, probabilities) = features.Of(images);

        Assert.True(classifier.Network.training);
        Assert.Equal([260, length], hidden.shape);
        Assert.Equal(length, features.Length);
        Assert.True(hidden.amin([0, 1]).Item() >= 0, "features come after the ReLU");
        Assert.Equal(0, probabilities.sub(expected).abs().amax([0, 1]).Item(), 1e-6);
    }

    [Fact]
    public void Images_outside_0_to_1_or_of_another_shape_and_unknown_classifiers_are_refused()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using var classifier = new NetworkClassifier(
            Classifiers.Create("classifier-e", s_shape, 3, random),
            s_shape,
            3
        );
        var features = new FeatureNetwork(classifier);
        Assert.Throws<ArgumentException>(() => features.Of(full([2, 1, 12, 12], -0.5)));
        Assert.Throws<ArgumentException>(() => features.Of(full([2, 1, 12, 12], double.NaN)));
        Assert.Throws<ArgumentException>(() => features.Of(zeros([2, 1, 12, 11])));
        Assert.Throws<UserErrorException>(() => new FeatureNetwork(new SmallNetwork(s_shape, 3, seed: 1)));
    }

    [Fact]
    public void A_sample_is_the_same_whatever_the_count_and_batch_statistics_do_not_matter()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using Sequential dcgan = GanNetworks.Generator(GanKind.Dcgan, s_shape, 4, 6).Build(random);
        dcgan.Train(random);
        float[] few = GeneratorSamples.Draw(dcgan, s_shape, 6, 0, 3, seed: 5).ToArray<float>();
        float[] many = GeneratorSamples.Draw(dcgan, s_shape, 6, 0, 300, seed: 5).ToArray<float>();
        Assert.All(few.Zip(many), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.Equal(many, GeneratorSamples.Draw(dcgan, s_shape, 6, 0, 300, seed: 5).ToArray<float>());
        Assert.NotEqual(many, GeneratorSamples.Draw(dcgan, s_shape, 6, 0, 300, seed: 6).ToArray<float>());
    }

    [Fact]
    public void A_conditional_generator_draws_its_classes_in_turn()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using Sequential cgan = GanNetworks.Generator(GanKind.Cgan, s_shape, 4, 6, classes: 3).Build(random);
        Tensor latents = new SampleRandom(5, new long[] { 0, 1, 2, 3 }).Normal(0, 6);
        float[] expected = cgan.forward(ConditionalGan.Latents(latents, tensor(new long[] { 0L, 1, 2, 0 }), 3))
            .ToArray<float>();
        Assert.All(
            expected.Zip(GeneratorSamples.Draw(cgan, s_shape, 6, 3, 4, seed: 5).ToArray<float>()),
            pair => Assert.Equal(pair.First, pair.Second, 1e-5)
        );
    }

    [Fact]
    public void Auto_encoders_decode_the_prior()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using var vae = new Vae(s_shape, random);
        using var conditional = new ConditionalVae(s_shape, 3, random);
        Tensor latents = new SampleRandom(5, new long[] { 0, 1, 2, 3 }).Normal(0, vae.Sizes.Latent);
        Close(vae.Decode(latents), GeneratorSamples.Draw(vae, s_shape, vae.Sizes.Latent, 0, 4, seed: 5));
        Close(
            conditional.Decode(latents, tensor(new long[] { 0L, 1, 2, 0 })),
            GeneratorSamples.Draw(conditional, s_shape, vae.Sizes.Latent, 3, 4, seed: 5)
        );

        static void Close(Tensor expected, Tensor drawn) =>
            Assert.Equal(0, expected.sub(drawn).abs().amax([0, 1, 2, 3]).Item(), 1e-5);
    }

    [Fact]
    public void Noise_is_uniform_between_0_and_1()
    {
        using var scope = NewDisposeScope();
        Tensor noise = GeneratorSamples.Noise(s_shape, 300, seed: 1);
        Assert.Equal(0.5, noise.mean().Item(), 0.01);
        Assert.Equal(1 / 12.0, noise.sub(0.5).pow(2.0).mean().Item(), 0.005);
    }
}
