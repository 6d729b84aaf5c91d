using Parry.Attacks;
using Parry.Attacks.Generative;
using Parry.Data;
using Parry.Models.Architectures;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Generative;
using static TorchSharp.torch;

namespace Parry.Tests.Attacks;

/// <summary>The generator of five convolutions down to a latent vector and five up.</summary>
public sealed class PerturbationGeneratorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 28, 32, 85_665)]
    [InlineData(3, 32, 96, 159_747)]
    public void It_halves_an_image_to_one_latent_vector_and_draws_a_perturbation_of_its_shape(
        int channels,
        int side,
        int latent,
        long parameters
    )
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var random = new Generator(1);
        using var generator = new PerturbationGenerator(new ImageShape(channels, side, side), random, latent);
        int[] widths = [channels, 8, 16, 32, 64, latent, 64, 32, 16, 8, channels];
        Assert.Equal(parameters, widths.Zip(widths.Skip(1), (from, to) => ((from * 9) + 1) * to).Sum());
        Assert.Equal(parameters, generator.ParameterCount());

        Tensor images = rand([2, channels, side, side], generator: random);
        Tensor drawn = generator.forward(images);
        Assert.Equal(images.shape, drawn.shape);
        Assert.InRange(drawn.abs().max().Item(), 1e-6, 1);
        // A latent vector that was normalized would be zero, whatever the image.
        Assert.True(Norm.Linf.Of(drawn[0..1] - drawn[1..2]).Item() > 1e-9);
    }

    [Fact]
    public void A_trained_one_comes_back_from_its_file_and_from_what_was_learned()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var classifier = new ToyStripes.Classifier();
        var attack = new AdvGan
        {
            Latent = 4,
            TrainingImages = 60,
            Epochs = 1,
        };
        using AdvGanTraining training = attack.On(classifier, "rows", ToyStripes.Make(60), seed: 1);
        training.RunEpoch();
        string weights = Path.Combine(_folder.Path, "advgan.safetensors");
        ModelFile.Save(weights, training.Generator, training.Generator.Describe(0.2) with { Data = "toy" });
        var (loaded, epsilon, _) = PerturbationGenerator.Load(weights);
        using PerturbationGenerator owned = loaded;
        Assert.Equal((4, 0.2), (loaded.Latent, epsilon));
        Tensor images = ToyStripes.Make(3, seed: 2).ImageTensor();
        float[] drawn = training.Generator.forward(images).ToArray<float>();
        Assert.Equal(drawn, loaded.forward(images).ToArray<float>());

        using AdvGan read = new() { Weights = weights };
        using var again = (AdvGan)new AdvGan().WithLearned(classifier, read.Learned!);
        Assert.Equal(read.Learned!.Keys, again.Learned!.Keys);
    }
}
