using Parry.Catalogs;
using Parry.Data;
using Parry.Defenses;
using Parry.Defenses.Purifiers;
using Parry.Defenses.Training;
using Parry.Generative.AutoEncoders;
using Parry.Models.Files;
using Parry.Runtime;
using Parry.Tests.Data;
using Parry.Tests.Generative;
using static TorchSharp.torch;

namespace Parry.Tests.Defenses;

public sealed class DefenseVaeTests : IDisposable
{
    private static readonly ToyStripes.Classifier s_classifier = new();

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 28)]
    [InlineData(3, 32)]
    [InlineData(1, 8)]
    public void The_papers_network_draws_images_of_the_size_it_was_given(int channels, int side)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var random = new Generator(1);
        using var network = new DefenseVaeNetwork(
            new ImageShape(channels, side, side),
            random,
            width: side == 8 ? 2 : 64
        );
        Assert.Equal([2, channels, side, side], network.forward(zeros([2, channels, side, side])).shape);
        string path = Path.Combine(_folder.Path, "defense-vae.safetensors");
        ModelFile.Save(path, network, network.Describe() with { Data = "any" });
        using DefenseVaeNetwork again = DefenseVaeNetwork.Load(path).Network;
        Assert.Equal(VaeTests.Weights(network), VaeTests.Weights(again));
        ModelFile.Save(path, network, network.Describe() with { Width = 3 });
        Assert.Throws<UserErrorException>(() => DefenseVaeNetwork.Load(path));
    }

    [Fact]
    public void Twelve_attacks_make_pairs_and_training_on_them_takes_perturbations_away()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        ImageSet images = ToyStripes.Make(60);
        ImageSet fresh = ToyStripes.Make(40, seed: 2);
        var options = new DefenseVaeTraining
        {
            Width = 4,
            Latent = 4,
            CarliniIterations = 3,
            Schedule = new()
            {
                Epochs = 6,
                BatchSize = 30,
                LearningRate = 3e-3,
            },
        };
        ImageSet attacked = options.Attack(images, s_classifier);
        Assert.Equal(12 * 60, attacked.Count);
        float[] changes = attacked
            .ImageTensor()
            .sub(images.ImageTensor().repeat(12, 1, 1, 1))
            .abs()
            .reshape(12, -1)
            .amax([1])
            .ToArray<float>();
        Assert.All(changes.Take(8), (change, i) => Assert.InRange(change, 0.05, 0.2 + (0.05 * (i % 4)) + 0.01));
        Assert.All(changes.Skip(8), change => Assert.True(change > 0.3, $"{change}"));

        using var trainer = options.On(images, attacked, "rows");
        trainer.Run();
        ImageSet shown = options.Attack(fresh, s_classifier).Take(40);
        Tensor clean = fresh.ImageTensor();
        Tensor before = shown.ImageTensor();
        Tensor after = new DefenseVae(trainer.Network)
            .Purify(before, new SampleRandom(1, Enumerable.Range(0, 40).Select(i => (long)i).ToArray()))
            .Images;
        double near = after.sub(clean).pow(2.0).mean().Item();
        double far = before.sub(clean).pow(2.0).mean().Item();
        Assert.True(near < far, $"squared error {far} before, {near} after");
    }

    [Fact]
    public void The_command_line_makes_it()
    {
        using var random = new Generator(1);
        using var network = new DefenseVaeNetwork(ToyStripes.Shape, random, width: 2, latent: 3);
        string path = Path.Combine(_folder.Path, "defense-vae.safetensors");
        ModelFile.Save(path, network, network.Describe() with { Data = "stripes" });
        using var context = new DefenseContext("stripes", ToyStripes.Shape, 3);
        Assert.Equal(GradientPath.Exact, DefenseCatalog.Parse($"defense-vae:weights={path}", context).Purifier!.Path);
    }
}
