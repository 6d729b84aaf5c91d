using Parry.Generative.AutoEncoders;
using Parry.Models;
using Parry.Models.Architectures;
using Parry.Models.Architectures.Layers;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using static TorchSharp.torch;

namespace Parry.Tests.Generative;

public sealed class VaeTests : IDisposable
{
    private static readonly VaeSizes s_small = new()
    {
        Latent = 2,
        Encoder = [16],
        Decoder = [12, 16],
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_divergence_is_the_closed_form_and_zero_with_zero_slope_at_the_prior()
    {
        using var scope = NewDisposeScope();
        var code = new GaussianCode(
            tensor(new float[] { 0.5f, -1, 0, 0 }, [2, 2]),
            tensor(new float[] { 2, 0.5f, 1, 1 }, [2, 2])
        );
        double expected = 0.5 * (0.25 + 4 - Math.Log(4) - 1 + 1 + 0.25 - Math.Log(0.25) - 1);
        float[] divergence = code.Divergence().ToArray<float>();
        Assert.Equal(expected, divergence[0], 1e-5);
        Assert.Equal(0, divergence[1], 1e-6);

        Tensor mean = zeros([1, 3]).requires_grad_();
        Tensor deviation = ones([1, 3]).requires_grad_();
        foreach (
            Tensor? slope in Autograd.Grad([new GaussianCode(mean, deviation).Divergence().sum()], [mean, deviation])
        )
            Assert.All(slope!.ToArray<float>(), value => Assert.Equal(0, value, 1e-6));
    }

    [Fact]
    public void The_divergence_is_what_sampling_estimates()
    {
        using var scope = NewDisposeScope();
        var code = new GaussianCode(full([1, 1], 0.7), full([1, 1], 0.6));
        Tensor noise = new SampleRandom(1, new long[] { 0 }).Normal(0, 200_000).reshape(-1, 1);
        Tensor drawn = code.Draw(noise);
        // log q(z) - log p(z), averaged over z drawn from q.
        double estimate = drawn.pow(2.0).sub(noise.pow(2.0)).mul(0.5).mean().Item() - Math.Log(0.6);
        Assert.Equal(code.Divergence().Item(), estimate, 0.01);
    }

    [Fact]
    public void Drawn_codes_have_the_mean_and_deviation_and_carry_gradients_to_both()
    {
        using var scope = NewDisposeScope();
        Tensor mean = full([1, 1], 3.0).requires_grad_();
        Tensor deviation = full([1, 1], 0.5).requires_grad_();
        Tensor noise = new SampleRandom(2, new long[] { 0 }).Normal(0, 50_000).reshape(-1, 1);
        Tensor drawn = new GaussianCode(mean, deviation).Draw(noise);
        double average = drawn.mean().Item();
        Assert.Equal(3, average, 0.02);
        Assert.Equal(0.5, Math.Sqrt(drawn.sub(average).pow(2.0).mean().Item()), 0.02);
        Tensor?[] slopes = Autograd.Grad([drawn.sum()], [mean, deviation]);
        Assert.Equal(50_000, slopes[0]!.Item(), 1e-3);
        Assert.Equal(noise.sum().Item(), slopes[1]!.Item(), 0.1);
    }

    [Fact]
    public void The_pixels_cross_entropy_is_its_formula_and_stays_finite_at_large_logits()
    {
        using var scope = NewDisposeScope();
        double[] logits = [0.3, -1.2, 2];
        double[] images = [0, 0.25, 1];
        double expected = logits
            .Zip(images, (l, x) => -(x * Math.Log(Sigmoid(l))) - ((1 - x) * Math.Log(1 - Sigmoid(l))))
            .Sum();
        Assert.Equal(
            expected,
            Elbo.CrossEntropy(tensor(logits).reshape(1, 3), tensor(images).reshape(1, 3)).Item(),
            1e-9
        );
        Assert.Equal(
            200,
            Elbo.CrossEntropy(tensor(new float[] { 200f, 200 }, [1, 2]), tensor(new float[] { 1f, 0 }, [1, 2])).Item(),
            1e-3
        );

        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
    }

    [Fact]
    public void A_convolution_of_dilation_two_sums_every_second_pixel()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using var layer = Layer.Conv2d(1, 1, 3, random, dilation: 2, bias: false);
        layer.weight.copy_(ones_like(layer.weight));
        Tensor image = arange(25, ScalarType.Int64).to(ScalarType.Float32).reshape(1, 1, 5, 5);
        Assert.Equal([0 + 2 + 4 + 10 + 12 + 14 + 20 + 22 + 24f], layer.forward(image).ToArray<float>());
    }

    [Fact]
    public void Training_raises_the_bound_and_images_of_the_wanted_class_are_drawn()
    {
        using var scope = NewDisposeScope();
        using var trainer = new VaeTraining
        {
            Sizes = s_small,
            Schedule = new()
            {
                Epochs = 25,
                BatchSize = 50,
                LearningRate = 1e-2,
            },
        }.WithLabels(ToyStripes.Make(300));
        var losses = new List<double>();
        trainer.Run(progress: now => losses.Add(now.Loss));
        Assert.True(losses[^1] < losses[0] - 10, $"{losses[0]} fell to {losses[^1]}");
        Tensor labels = tensor(new long[] { 0, 1, 2, 2 });
        Tensor latents = new SampleRandom(3, new long[] { 0, 1, 2, 3 }).Normal(0, 2);
        Assert.Equal(
            labels.ToArray<long>(),
            ((IClassifier)new ToyStripes.Classifier()).Predict(trainer.Network.Decode(latents, labels)).ToArray<long>()
        );
    }

    [Fact]
    public void Both_kinds_come_back_from_their_files_and_neither_from_the_others()
    {
        using var random = new Generator(4);
        using var plain = new Vae(ToyStripes.Shape, random, s_small);
        using var conditional = new ConditionalVae(ToyStripes.Shape, 3, random, s_small);
        string one = Path.Combine(_folder.Path, "vae.safetensors");
        string two = Path.Combine(_folder.Path, "conditional.safetensors");
        ModelFile.Save(one, plain, plain.Describe() with { Data = "stripes" });
        ModelFile.Save(two, conditional, conditional.Describe(["a", "b", "c"]) with { Data = "stripes" });
        using (Vae again = Vae.Load(one).Network)
            Assert.Equal(Weights(plain), Weights(again));
        using (ConditionalVae again = ConditionalVae.Load(two).Network)
            Assert.Equal(Weights(conditional), Weights(again));
        Assert.Contains(
            "\"vae\"",
            Assert.Throws<UserErrorException>(() => ConditionalVae.Load(one)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "\"conditional-vae\"",
            Assert.Throws<UserErrorException>(() => Vae.Load(two)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("encoder=16,decoder=12-17")]
    [InlineData("encoder=999999,decoder=999999-999999")]
    [InlineData("encoder=0,decoder=1")]
    [InlineData("encoder=16")]
    [InlineData("")]
    public void A_claim_of_other_sizes_is_refused_before_memory_is_taken(string settings)
    {
        using var random = new Generator(4);
        using var network = new Vae(ToyStripes.Shape, random, s_small);
        string path = Path.Combine(_folder.Path, "vae.safetensors");
        ModelFile.Save(path, network, network.Describe() with { Settings = settings });
        string message = Assert.Throws<UserErrorException>(() => Vae.Load(path)).Message;
        Assert.Contains(path, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    internal static float[] Weights(nn.Module<Tensor, Tensor> network) =>
        [.. network.State().SelectMany(entry => entry.Value.ToArray<float>())];
}
