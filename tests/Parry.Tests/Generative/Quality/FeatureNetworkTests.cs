using Parry.Generative;
using Parry.Generative.Quality;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Torch;
using Parry.Torch.Nn;

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
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(1);
        ImageShape shape = new(1, 28, 28);
        using var classifier = new NetworkClassifier(Classifiers.Create(architecture, shape, 10, random), shape, 10);
        var features = new FeatureNetwork(classifier);
        Tensor images = Tensor.Uniform([260, 1, 28, 28], random);
        Tensor expected = classifier.Logits(images).To(DType.Float64).Softmax();

        // Dropout would change the features of a network that is being trained.
        classifier.Network.Train(random);
        var (hidden, probabilities) = features.Of(images);

        Assert.True(classifier.Network.Training);
        Assert.Equal([260, length], hidden.Shape);
        Assert.Equal(length, features.Length);
        Assert.True(hidden.Amin([0, 1]).ToDouble() >= 0, "features come after the ReLU");
        Assert.Equal(0, probabilities.Sub(expected).Abs().Amax([0, 1]).ToDouble(), 1e-6);
    }

    [Fact]
    public void Images_outside_0_to_1_or_of_another_shape_and_unknown_classifiers_are_refused()
    {
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(1);
        using var classifier = new NetworkClassifier(Classifiers.Create("classifier-e", s_shape, 3, random), s_shape, 3);
        var features = new FeatureNetwork(classifier);
        Assert.Throws<ArgumentException>(() => features.Of(Tensor.Full([2, 1, 12, 12], -0.5)));
        Assert.Throws<ArgumentException>(() => features.Of(Tensor.Full([2, 1, 12, 12], double.NaN)));
        Assert.Throws<ArgumentException>(() => features.Of(Tensor.Zeros([2, 1, 12, 11])));
        Assert.Throws<UserErrorException>(() => new FeatureNetwork(new LinearClassifier(s_shape)));
    }

    [Fact]
    public void A_sample_is_the_same_whatever_the_count_and_batch_statistics_do_not_matter()
    {
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(1);
        using Sequential dcgan = GanNetworks.Generator(GanKind.Dcgan, s_shape, 4, 6).Build(random);
        dcgan.Train(random);
        float[] few = GeneratorSamples.Draw(dcgan, s_shape, 6, 0, 3, seed: 5).ToArray<float>(), many = GeneratorSamples.Draw(dcgan, s_shape, 6, 0, 300, seed: 5).ToArray<float>();
        Assert.All(few.Zip(many), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.Equal(many, GeneratorSamples.Draw(dcgan, s_shape, 6, 0, 300, seed: 5).ToArray<float>());
        Assert.NotEqual(many, GeneratorSamples.Draw(dcgan, s_shape, 6, 0, 300, seed: 6).ToArray<float>());
    }

    [Fact]
    public void A_conditional_generator_draws_its_classes_in_turn()
    {
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(1);
        using Sequential cgan = GanNetworks.Generator(GanKind.Cgan, s_shape, 4, 6, classes: 3).Build(random);
        Tensor latents = new SampleRandom(5, new long[] { 0, 1, 2, 3 }).Normal(0, 6);
        float[] expected = cgan.Forward(ConditionalGan.Latents(latents, Tensor.From([0L, 1, 2, 0]), 3)).ToArray<float>();
        Assert.All(expected.Zip(GeneratorSamples.Draw(cgan, s_shape, 6, 3, 4, seed: 5).ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void Auto_encoders_decode_the_prior()
    {
        using var scope = new TensorScope();
        using var random = new Parry.Torch.Generator(1);
        using var vae = new Vae(s_shape, random);
        using var conditional = new ConditionalVae(s_shape, 3, random);
        Tensor latents = new SampleRandom(5, new long[] { 0, 1, 2, 3 }).Normal(0, vae.Sizes.Latent);
        Close(vae.Decode(latents), GeneratorSamples.Draw(vae, s_shape, vae.Sizes.Latent, 0, 4, seed: 5));
        Close(conditional.Decode(latents, Tensor.From([0L, 1, 2, 0])), GeneratorSamples.Draw(conditional, s_shape, vae.Sizes.Latent, 3, 4, seed: 5));

        static void Close(Tensor expected, Tensor drawn) => Assert.Equal(0, expected.Sub(drawn).Abs().Amax([0, 1, 2, 3]).ToDouble(), 1e-5);
    }

    [Fact]
    public void Noise_is_uniform_between_0_and_1()
    {
        using var scope = new TensorScope();
        Tensor noise = GeneratorSamples.Noise(s_shape, 300, seed: 1);
        Assert.Equal(0.5, noise.Mean().ToDouble(), 0.01);
        Assert.Equal(1 / 12.0, noise.Sub(0.5).Pow(2).Mean().ToDouble(), 0.005);
    }
}
